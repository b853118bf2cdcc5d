//! The Notary door over a database of its own: by hand-made requests, and by Debian's stock `notary`.

mod cli;
mod stage;
