//! An image without a registry to pull it from: Debian's static busybox, two megabytes, made in a second.

use anyhow::{Result, ensure};

use crate::person::Person;

/// Makes `name` on the engine that `person` works with. It prints `says` when it runs and stays until stopped;
/// every `says` gives another digest.
pub fn import_busybox(person: &Person, name: &str, says: &str) -> Result<()> {
    let line = format!(
        r#"rm -rf rootfs && mkdir -p rootfs/bin rootfs/etc rootfs/tmp \
        && cp "$(readlink -f "$(command -v busybox)")" rootfs/bin/busybox \
        && for a in sh cat echo sleep ls env head wc id hostname; do ln -s busybox rootfs/bin/$a; done \
        && echo '{says}' > rootfs/etc/says \
        && tar -C rootfs --sort=name --mtime=@0 --owner=0 --group=0 -c . \
        | docker import -c 'CMD ["/bin/sh","-c","cat /etc/says; trap exit TERM; while :; do sleep 3600 & wait; done"]' - {name} \
        && rm -rf rootfs"#
    );
    let ran = person.try_sh(&line)?;
    ensure!(ran.status == 0, "{ran}");
    Ok(())
}
