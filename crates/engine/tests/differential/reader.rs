//! The Go program, built once per test process.

use std::{
    io::{BufReader, BufWriter, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::LazyLock,
};

use serde_json::Value;
use tempfile::TempDir;

const SOURCE: &str = include_str!("reader.go");

/// Bytes, and what they are: see `reader.go`.
pub struct Question<'a> {
    pub kind: u8,
    pub bytes: &'a [u8],
}

static BUILT: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("reader.go"), folder.path().join("reader"));
    std::fs::write(&source, SOURCE).unwrap();
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&program).arg(&source).env("CGO_ENABLED", "0").env("GO111MODULE", "off");
    // Its cache stands in the home folder, unless told otherwise; where there is none, the build brings its own.
    if std::env::var_os("HOME").is_none() {
        go.env("GOCACHE", folder.path().join("cache"));
    }
    let output = go.output().expect("Debian's golang-go has to be installed: `cargo xtask test` does it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (folder, program)
});

/// What Go reads of each; `null` where it refuses.
pub fn ask(questions: &[Question<'_>]) -> Vec<Value> {
    let mut child = Command::new(&BUILT.1).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let answers = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut stdin = BufWriter::new(stdin);
            for Question { kind, bytes } in questions {
                stdin.write_all(&[*kind]).unwrap();
                stdin.write_all(&u32::try_from(bytes.len()).unwrap().to_be_bytes()).unwrap();
                stdin.write_all(bytes).unwrap();
            }
            stdin.flush().unwrap();
        });
        let mut stdout = BufReader::new(stdout);
        questions.iter().map(|_| answer(&mut stdout)).collect()
    });
    assert!(child.wait().unwrap().success());
    answers
}

fn answer(stdout: &mut impl std::io::Read) -> Value {
    let mut length = [0; 4];
    stdout.read_exact(&mut length).unwrap();
    let mut said = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    stdout.read_exact(&mut said).unwrap();
    serde_json::from_slice(&said).unwrap()
}
