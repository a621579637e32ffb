//! The bytes on disk: one seam for all file access, the log, sealed parts, the manifest; `FORMAT.md` draws them.
//!
//! Nothing above this folder touches a file of the store, and nothing in here knows what the bytes mean. Every byte
//! that is relied on is under a checksum, and no length from a file is believed before it is held against the file.

pub(crate) mod map;
pub(crate) mod vfs;
pub(crate) mod memory;
pub(crate) mod disk;
#[cfg(test)]
pub(crate) mod faulty;
pub(crate) mod layout;
pub(crate) mod log_format;
pub(crate) mod replay;
pub(crate) mod wal;
pub(crate) mod part;
pub(crate) mod part_writer;
pub(crate) mod proof;
pub(crate) mod manifest;

#[cfg(test)]
mod tests {
    use super::layout::Field;
    use super::{log_format, manifest, part, proof};

    #[test]
    fn format_md_tells_the_offsets_of_the_code() {
        let text = include_str!("FORMAT.md");
        let structs: [(&str, &[Field]); 7] = [
            ("### Log header", log_format::HEADER_FIELDS),
            ("### Log record", log_format::RECORD_FIELDS),
            ("### Part header", part::HEADER_FIELDS),
            ("### Section entry", part::ENTRY_FIELDS),
            ("### Part footer", part::FOOTER_FIELDS),
            ("### Manifest header", manifest::HEADER_FIELDS),
            ("### Note", proof::NOTE_FIELDS),
        ];
        for (heading, fields) in structs {
            let section = text.split(heading).nth(1).unwrap_or_else(|| panic!("{heading} is missing"));
            let table = section.lines().filter(|line| line.starts_with("| ")).take(fields.len() + 1).skip(1);
            for ((name, offset, size), line) in fields.iter().zip(table) {
                let row = format!("| {offset} | {size} | {name} |");
                assert!(line.starts_with(&row), "{heading}: {row} is told as {line}");
            }
        }
    }
}
