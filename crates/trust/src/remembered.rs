//! A walk without a network, over what is remembered.

use time::OffsetDateTime;
use wharfinger_storage::memory::Remembered;
use wharfinger_tuf::{By, Collection, File, Gun, Limits, Pins, RoleName, Walk, Want};

use crate::learned::known;

/// The file that `want` asks for, as far as it is remembered. One named by hash has that hash; the walk checks it again.
pub(crate) fn file(remembered: &Remembered, want: &Want) -> Option<File> {
    let of_role = || remembered.files.iter().filter(|file| file.role == want.role.as_str());
    let file = match &want.by {
        By::Hash(meta) => of_role().find(|file| meta.hashes.match_bytes(&file.bytes)),
        By::Current if want.role == RoleName::Timestamp => of_role().next(),
        By::Current | By::Version(_) => None,
    };
    file.map(|file| File::Found(file.bytes.clone()))
}

/// What the remembered files say, if nothing else is needed and nothing is wrong with them at `now`.
pub(crate) fn collection(gun: &Gun, now: OffsetDateTime, remembered: &Remembered, pins: Pins) -> Option<Collection> {
    let mut walk = Walk::new(gun.clone(), now, known(Some(remembered)), pins, Limits::default()).ok()?;
    loop {
        let wants = walk.wants();
        if wants.is_empty() {
            return walk.finish().ok();
        }
        for want in wants {
            walk.receive(&want, file(remembered, &want)?).ok()?;
        }
    }
}
