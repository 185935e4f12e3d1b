//! Zip archives, as far as they are needed: read from memory, and never more of them than is allowed;
//! written without times, so that the same files are the same archive.

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};

/// How many files an archive may have.
const FILES: usize = 1_000;

const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";

/// Why an archive is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArchiveError {
    /// It is none, or it is damaged; where, and what is wrong.
    Damaged(String, &'static str),
    /// Unpacked it is larger than is allowed, or has too many files.
    TooLarge,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The JSON files of an archive in its order; unpacked they may have `limit` bytes together. What
/// the archive says about sizes is not believed.
pub(crate) fn json_files(archive: &[u8], limit: usize) -> Result<Vec<File>, ArchiveError> {
    let broken = |what| ArchiveError::Damaged(String::new(), what);
    let end = find_end(archive).ok_or_else(|| broken("is no zip archive"))?;
    let count = number(archive, end + 10, 2);
    let mut at = number(archive, end + 16, 4).ok_or_else(|| broken("is cut off"))?;
    let count = count.ok_or_else(|| broken("is cut off"))?;
    // An archive with more files than two bytes can count says so with the largest number.
    if count > FILES {
        return Err(ArchiveError::TooLarge);
    }
    let mut files = Vec::new();
    let mut left = limit;
    for _ in 0..count {
        let entry = Entry::read(archive, at).ok_or_else(|| broken("has a damaged directory"))?;
        at = entry.next;
        let hidden = entry.name.starts_with("__MACOSX/");
        if hidden || !entry.name.to_ascii_lowercase().ends_with(".json") {
            continue;
        }
        let bytes = entry.unpack(archive, left)?;
        left -= bytes.len();
        files.push(File {
            name: entry.name,
            bytes,
        });
    }
    Ok(files)
}

/// Where the directory of the archive is described: near its end, before a comment.
fn find_end(archive: &[u8]) -> Option<usize> {
    let first = archive.len().saturating_sub(22 + 0xffff);
    let tail = archive.get(first..)?;
    let found = tail.windows(END.len()).rposition(|window| window == END)?;
    archive.get(first + found..first + found + 22)?;
    Some(first + found)
}

/// One line of the directory.
struct Entry {
    name: String,
    encrypted: bool,
    method: usize,
    checksum: usize,
    packed: usize,
    local: usize,
    next: usize,
}

impl Entry {
    fn read(archive: &[u8], at: usize) -> Option<Self> {
        if archive.get(at..at + 4)? != ENTRY {
            return None;
        }
        let field = |offset, size| number(archive, at + offset, size);
        let name_end = at + 46 + field(28, 2)?;
        Some(Self {
            name: String::from_utf8_lossy(archive.get(at + 46..name_end)?).into_owned(),
            encrypted: field(8, 2)? & 1 == 1,
            method: field(10, 2)?,
            checksum: field(16, 4)?,
            packed: field(20, 4)?,
            local: field(42, 4)?,
            next: name_end + field(30, 2)? + field(32, 2)?,
        })
    }

    fn unpack(&self, archive: &[u8], limit: usize) -> Result<Vec<u8>, ArchiveError> {
        let damaged = |what| ArchiveError::Damaged(self.name.clone(), what);
        if self.encrypted {
            return Err(damaged("is encrypted"));
        }
        let packed = self.data(archive).ok_or_else(|| damaged("is cut off"))?;
        let bytes = match self.method {
            0 if packed.len() > limit => return Err(ArchiveError::TooLarge),
            0 => packed.to_vec(),
            8 => {
                let unpacked = decompress_to_vec_with_limit(packed, limit);
                unpacked.map_err(|error| match error.status {
                    TINFLStatus::HasMoreOutput => ArchiveError::TooLarge,
                    _ => damaged("cannot be unpacked"),
                })?
            }
            _ => return Err(damaged("is packed in a way that this server does not know")),
        };
        if crc32(&bytes) as usize != self.checksum {
            return Err(damaged("has another checksum"));
        }
        Ok(bytes)
    }

    fn data<'a>(&self, archive: &'a [u8]) -> Option<&'a [u8]> {
        if archive.get(self.local..self.local + 4)? != LOCAL {
            return None;
        }
        let names = number(archive, self.local + 26, 2)? + number(archive, self.local + 28, 2)?;
        let begin = self.local + 30 + names;
        archive.get(begin..begin + self.packed)
    }
}

/// A number of up to four bytes, the lowest first.
fn number(archive: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = archive.get(at..at + size)?;
    let value = |value: usize, byte: &u8| (value << 8) | usize::from(*byte);
    Some(bytes.iter().rev().fold(0, value))
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// An archive of files, packed or stored.
pub(crate) fn zip(files: &[(&str, &[u8])], packed: bool) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    let le = |value: usize, size: usize| value.to_le_bytes()[..size].to_vec();
    for (name, bytes) in files {
        let data = match packed {
            true => miniz_oxide::deflate::compress_to_vec(bytes, 6),
            false => bytes.to_vec(),
        };
        let method = if packed { 8 } else { 0 };
        // Names are UTF-8.
        let flags = if name.is_ascii() { 0 } else { 0x800 };
        let common = [
            le(20, 2),
            le(flags, 2),
            le(method, 2),
            // Midnight, and the first day that there is.
            le(0x21_0000, 4),
            le(crc32(bytes) as usize, 4),
            le(data.len(), 4),
            le(bytes.len(), 4),
            le(name.len(), 2),
            le(0, 2),
        ]
        .concat();
        let local = archive.len();
        archive.extend([LOCAL, &common, name.as_bytes(), &data].concat());
        let rest = [vec![0; 2 + 2 + 2 + 4], le(local, 4)].concat();
        directory.extend([ENTRY, &le(20, 2), &common, &rest, name.as_bytes()].concat());
    }
    let begin = archive.len();
    archive.extend(&directory);
    let count = [le(0, 4), le(files.len(), 2), le(files.len(), 2)].concat();
    let end = [count, le(directory.len(), 4), le(begin, 4), le(0, 2)].concat();
    archive.extend([END, &end].concat());
    archive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_files_are_read_and_others_are_not() {
        let files: [(&str, &[u8]); 4] = [
            ("a.json", b"{}"),
            ("readme.txt", b"x"),
            ("flows/B.JSON", b"[1, 2, 3]"),
            ("__MACOSX/._a.json", b"x"),
        ];
        for packed in [true, false] {
            let found = json_files(&zip(&files, packed), 100).unwrap();
            let names: Vec<&str> = found.iter().map(|file| file.name.as_str()).collect();
            assert_eq!(names, ["a.json", "flows/B.JSON"]);
            assert_eq!(found[1].bytes, b"[1, 2, 3]");
        }
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let zeros = vec![b'0'; 1_000_000];
        let bomb = zip(&[("a.json", &zeros)], true);
        assert!(bomb.len() < 2_000);
        assert_eq!(json_files(&bomb, 999_999), Err(ArchiveError::TooLarge));
        assert_eq!(
            json_files(&bomb, 1_000_000).unwrap()[0].bytes.len(),
            1_000_000
        );
        let two = zip(&[("a.json", &zeros), ("b.json", &zeros)], true);
        assert_eq!(json_files(&two, 1_500_000), Err(ArchiveError::TooLarge));
        let many: Vec<(&str, &[u8])> = vec![("a.json", b"{}"); FILES + 1];
        assert_eq!(
            json_files(&zip(&many, false), 1 << 20),
            Err(ArchiveError::TooLarge)
        );
    }

    #[test]
    fn whatever_is_damaged_is_refused() {
        let good = zip(&[("a.json", b"{\"a\": 1}")], true);
        let mut refused = 0;
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            // Times, versions and names may change; what is read is what was packed.
            match json_files(&bad, 1_000) {
                Ok(files) => assert!(files.iter().all(|file| file.bytes == b"{\"a\": 1}")),
                Err(_) => refused += 1,
            }
            assert!(json_files(&good[..at], 1_000).is_err(), "cut at {at}");
        }
        assert!(refused > 30, "{refused}");
    }
}
