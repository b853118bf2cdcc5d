//! Colour and progress, when somebody is looking.

use std::io::{IsTerminal, Write, stdout};

fn coloured() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn paint(code: &str, text: &str) -> String {
    if coloured() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

pub fn bold(text: &str) -> String {
    paint("1", text)
}

pub fn dim(text: &str) -> String {
    paint("2", text)
}

pub fn red(text: &str) -> String {
    paint("1;31", text)
}

pub fn green(text: &str) -> String {
    paint("32", text)
}

pub fn yellow(text: &str) -> String {
    paint("33", text)
}

pub fn cyan(text: &str) -> String {
    paint("36", text)
}

/// Shows `what` with the seconds that pass, on one line that disappears, while `work` runs.
pub fn waiting<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if !stdout().is_terminal() {
        return work();
    }
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let line = format!("  {what} …");
    let ticker = std::thread::spawn(move || {
        let mut seconds = 0;
        let second = std::time::Duration::from_secs(1);
        while ended.recv_timeout(second).is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Timeout) {
            seconds += 1;
            print!("\r\x1b[2K\x1b[2m{line} {seconds} s\x1b[0m");
            stdout().flush().ok();
        }
        if seconds > 0 {
            print!("\r\x1b[2K");
            stdout().flush().ok();
        }
    });
    let result = work();
    drop(done);
    ticker.join().ok();
    result
}
