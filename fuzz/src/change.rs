//! Inputs changed at random, the same in every run: no coverage guides this, it only keeps parsers honest between real runs.

/// Pieces that mean something to one parser or another.
const WORDS: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "-1",
    "18446744073709551616",
    "1e999",
    "\u{0}",
    "\u{feff}",
    "\u{17f}",
    "%2e%2e",
    "%00",
    "/",
    "//",
    "..",
    "\r\n",
    "sha256:",
    "@",
    "*",
    "=",
    "&",
    ";",
    "+",
    "targets/",
    ".json",
    "-----BEGIN CERTIFICATE-----\n",
    "_trust",
    "--",
    "\u{2028}",
];

/// A stream of changes.
pub struct Changes(u64);

impl Changes {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, most: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(most.max(1)).unwrap_or(1)).unwrap_or_default()
    }

    /// `from`, changed in a few places, perhaps with a piece of `other` in it.
    pub fn apply(&mut self, from: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = from.to_vec();
        for _ in 0..=self.below(4) {
            self.once(&mut bytes, other);
        }
        bytes
    }

    fn once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(16)).min(bytes.len());
        match self.below(7) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, WORDS[self.below(WORDS.len())].bytes())),
            2 => bytes.truncate(at),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => {
                let from = self.below(other.len() + 1);
                let to = (from + self.below(64)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            5 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(self.below(256)).unwrap_or_default();
                }
            }
        }
    }
}
