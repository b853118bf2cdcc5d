//! Many TLS connections to one door, from a single thread: what makes the load leaves the cores to what is measured.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::figure::Times;

/// A place to ask, and what every answer must hold.
pub struct Target {
    pub address: SocketAddr,
    pub ca: String,
    /// Whole HTTP/1.1 requests, of which each connection sends one again and again.
    pub requests: Vec<Vec<u8>>,
    pub expected: &'static str,
}

/// One connection, kept open.
struct Connection {
    stream: TlsStream<TcpStream>,
    target: Rc<Target>,
    number: usize,
    buffer: Vec<u8>,
}

impl Target {
    async fn connect(self: &Rc<Self>, number: usize) -> Result<Connection> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.ca.as_bytes()) {
            roots.add(certificate?)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions()?;
        let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let stream = connector.connect(ServerName::from(self.address.ip()), stream).await?;
        Ok(Connection { stream, target: Rc::clone(self), number, buffer: Vec::with_capacity(8192) })
    }
}

impl Connection {
    /// Sends the request and reads its answer whole.
    async fn ask(&mut self) -> Result<()> {
        let request = self.target.requests.get(self.number % self.target.requests.len()).context("a request")?;
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        let end = loop {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the door hung up");
            if let Some(end) = whole(&self.buffer)? {
                break end;
            }
        };
        let answer = self.buffer.get(..end).unwrap_or_default();
        let good = answer.starts_with(b"HTTP/1.1 200 ") && holds(answer, self.target.expected);
        ensure!(good, "the door answers {}", String::from_utf8_lossy(answer));
        Ok(())
    }
}

/// Where the answer in `buffer` ends, once all of it is there.
fn whole(buffer: &[u8]) -> Result<Option<usize>> {
    let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(buffer.get(..head).unwrap_or_default())?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).context("no content-length")?;
    let end = head + 4 + length.trim().parse::<usize>()?;
    Ok((buffer.len() >= end).then_some(end))
}

fn holds(answer: &[u8], text: &str) -> bool {
    answer.windows(text.len()).any(|part| part == text.as_bytes())
}

/// How many answers a second come over `connections`, each asking again as soon as it was answered, and how long they took.
#[allow(clippy::cast_precision_loss, reason = "a count")]
pub async fn closed_loop(target: Target, connections: usize, long: Duration) -> Result<(f64, Times)> {
    let open = connect(target, connections).await?;
    let began = Instant::now();
    let asking = open.into_iter().map(|mut connection| {
        tokio::task::spawn_local(async move {
            let mut times = Times::default();
            while began.elapsed() < long {
                let start = Instant::now();
                connection.ask().await?;
                times.add(start.elapsed());
            }
            anyhow::Ok(times)
        })
    });
    let times = gather(asking.collect()).await?;
    Ok((times.count() as f64 / began.elapsed().as_secs_f64(), times))
}

/// `rate` requests a second at times fixed beforehand, in turn over `connections`: each is timed from when it was due, so that
/// one that had to wait for the answer before it counts as slow as it was. The clock that wakes them ticks in milliseconds.
pub async fn open_loop(target: Target, connections: u32, rate: u32, long: Duration) -> Result<Times> {
    let open = connect(target, connections as usize).await?;
    let began = Instant::now() + Duration::from_millis(100);
    let between = Duration::from_secs(1) / rate;
    let asking = open.into_iter().zip(0..connections).map(|(mut connection, number)| {
        tokio::task::spawn_local(async move {
            let mut times = Times::default();
            let mut due = began + between * number;
            while due < began + long {
                tokio::time::sleep_until(due.into()).await;
                connection.ask().await?;
                times.add(due.elapsed());
                due += between * connections;
            }
            anyhow::Ok(times)
        })
    });
    gather(asking.collect()).await
}

async fn connect(target: Target, connections: usize) -> Result<Vec<Connection>> {
    let target = Rc::new(target);
    let mut open = Vec::with_capacity(connections);
    for number in 0..connections {
        let mut connection = target.connect(number).await?;
        connection.ask().await?;
        open.push(connection);
    }
    Ok(open)
}

async fn gather(asking: Vec<tokio::task::JoinHandle<Result<Times>>>) -> Result<Times> {
    let mut all = Times::default();
    for asked in asking {
        all.extend(asked.await??);
    }
    Ok(all)
}
