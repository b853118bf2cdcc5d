//! What was measured, what was promised, and what stands beside it.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: String,
    pub bar: Option<Bar>,
    pub peers: Vec<Peer>,
    /// Why it was not measured.
    pub failed: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

/// Something else, measured in the same run in the same unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Peer {
    pub name: String,
    pub value: f64,
}

impl Figure {
    pub fn new(name: impl Into<String>, value: f64, unit: &str) -> Self {
        Self { name: name.into(), value, unit: unit.to_owned(), bar: None, peers: Vec::new(), failed: None }
    }

    pub fn ms(name: impl Into<String>, value: Duration) -> Self {
        Self::new(name, milliseconds(value), "ms")
    }

    pub fn failed(part: &str, error: &anyhow::Error) -> Self {
        Self { failed: Some(format!("{error:#}")), ..Self::new(part, 0.0, "") }
    }

    pub fn at_most(self, bar: f64) -> Self {
        Self { bar: Some(Bar::AtMost(bar)), ..self }
    }

    pub fn at_least(self, bar: f64) -> Self {
        Self { bar: Some(Bar::AtLeast(bar)), ..self }
    }

    pub fn beside(mut self, name: &str, value: f64) -> Self {
        self.peers.push(Peer { name: name.to_owned(), value });
        self
    }

    pub fn beside_ms(self, name: &str, value: Duration) -> Self {
        self.beside(name, milliseconds(value))
    }

    fn met(&self) -> &'static str {
        match self.bar {
            None => "",
            Some(Bar::AtMost(bar)) if self.value <= bar => "yes",
            Some(Bar::AtLeast(bar)) if self.value >= bar => "yes",
            Some(_) => "NO",
        }
    }
}

pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// One line a figure: what, how much, the bar, whether it is met, and each peer with its ratio to the figure.
pub fn table(figures: &[Figure]) -> String {
    let mut rows = vec![["figure", "measured", "bar", "met", "beside (ratio)"].map(ToOwned::to_owned)];
    for figure in figures {
        if let Some(why) = &figure.failed {
            rows.push([figure.name.clone(), "not measured".to_owned(), String::new(), String::new(), why.clone()]);
            continue;
        }
        let bar = match figure.bar {
            None => String::new(),
            Some(Bar::AtMost(bar)) => format!("≤ {bar} {}", figure.unit),
            Some(Bar::AtLeast(bar)) => format!("≥ {bar} {}", figure.unit),
        };
        let peers: Vec<_> = figure
            .peers
            .iter()
            .map(|peer| format!("{} {} {} ({:.2}×)", peer.name, number(peer.value), figure.unit, figure.value / peer.value))
            .collect();
        let measured = format!("{} {}", number(figure.value), figure.unit);
        rows.push([figure.name.clone(), measured, bar, figure.met().to_owned(), peers.join(", ")]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2), width(3)];
    let mut text = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(text, "{cell}{}  ", " ".repeat(width - cell.chars().count()));
        }
        let _ = writeln!(text, "{}", row[4]);
    }
    text
}

fn number(value: f64) -> String {
    if value >= 1000.0 || value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

/// Many measurements of one thing.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that `percent` of a hundred measurements do not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * percent).div_ceil(100).max(1) - 1;
        sorted.get(at).copied().unwrap_or_default()
    }
}
