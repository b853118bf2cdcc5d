//! Ctrl-C and SIGTERM end a run in good order: what was started is stopped, what was put elsewhere is removed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

static STOP: AtomicBool = AtomicBool::new(false);

/// From now on signals ask instead of ending the process.
pub fn stop_on_signals() {
    thread::spawn(|| {
        let Ok(runtime) = Builder::new_current_thread().enable_io().build() else {
            return;
        };
        runtime.block_on(async {
            let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                STOP.store(true, Ordering::Relaxed);
            }
        });
    });
}

/// Whether somebody asked this run to stop.
pub fn asked_to_stop() -> bool {
    STOP.load(Ordering::Relaxed)
}
