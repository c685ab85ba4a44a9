//! Which replica a drive holds: so that a drive of another cluster, and a wiped
//! drive under an old name, are refused.

use holdfast_base::ClusterId;
use holdfast_base::checksum::crc32;
use holdfast_io::disk::{DiskErrorKind, Drive, FileName};

use super::OpenError;

const FORMAT: u8 = 1;

fn file() -> FileName {
    FileName::new("replica").expect("seven lower-case letters")
}

/// Checks that `drive` holds replica `id` of `cluster`; false where it holds none.
pub async fn check(drive: &Drive, cluster: ClusterId, id: u64) -> Result<bool, OpenError> {
    let place = drive.name().to_owned();
    let bytes = match drive.load(file()).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind == DiskErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(OpenError::Disk { place, why: error.to_string() }),
    };
    let bad = |why: String| OpenError::Identity { place: place.clone(), why };
    let (crc, rest) = bytes.split_at_checked(4).ok_or_else(|| bad("it is too short".into()))?;
    if crc != crc32(&[rest]).to_le_bytes() {
        return Err(bad("its checksum differs".into()));
    }
    match rest {
        [FORMAT, rest @ ..] if rest.len() == 24 => {
            if rest[..16] != cluster.0 {
                let other = hex_of(&rest[..16]);
                return Err(bad(format!("it is of cluster {other}, this one is {cluster}")));
            }
            if rest[16..] != id.to_le_bytes() {
                return Err(bad(format!("it holds another replica than {id}")));
            }
            Ok(true)
        }
        [format, ..] => Err(bad(format!("format {format}, this build knows {FORMAT}"))),
        [] => Err(bad("it is too short".into())),
    }
}

/// Writes down that `drive` holds replica `id` of `cluster`.
pub async fn write(drive: &Drive, cluster: ClusterId, id: u64) -> Result<(), OpenError> {
    let mut bytes = vec![0; 4];
    bytes.push(FORMAT);
    bytes.extend_from_slice(&cluster.0);
    bytes.extend_from_slice(&id.to_le_bytes());
    let crc = crc32(&[&bytes[4..]]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    let written = drive.replace(file(), bytes).await;
    let place = drive.name().to_owned();
    written.map_err(|error| OpenError::Disk { place, why: error.to_string() })
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
