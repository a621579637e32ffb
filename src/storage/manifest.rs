//! The list of live files: what belongs to the store and how its bytes are known to be the right ones.
//!
//! Replaced as a whole: temporary file, sync, atomic rename, directory sync. A crash leaves the old list or the new
//! one.

use super::layout::{FORMAT_VERSION, StoreId};
use super::layout::{Field, Fill, fills};
use super::part::Sealed;
use super::proof::PROOF_NAME;
use super::vfs::{LOCK_NAME, Vfs, is_plain};
use crate::base::bytes::Reader;
use crate::{Error, Result};
use rkyv::rancor;
use rkyv::util::AlignedVec;
use std::collections::BTreeSet;
use std::io::IoSlice;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// The file that makes a directory a store.
pub(crate) const MANIFEST_NAME: &str = "manifest";
const TEMPORARY_NAME: &str = "manifest.tmp";

/// What names of files of ours end with; anything else in the directory is not ours to remove.
const OUR_SUFFIXES: [&str; 3] = [".part", ".log", ".tmp"];

/// The feature bits that this version knows. A store with any other one is left to the version that set it.
pub(crate) const KNOWN_FEATURES: u64 = 0;

const MAGIC: [u8; 8] = *b"RGLRSMAN";
const HEADER_BYTES: usize = 64;
pub(super) const HEADER_FIELDS: &[Field] = &[
    ("magic", 0, 8),
    ("version", 8, 4),
    ("reserved", 12, 4),
    ("features", 16, 8),
    ("body_length", 24, 8),
    ("body_checksum", 32, 8),
    ("reserved", 40, 8),
    ("reserved", 48, 8),
    ("checksum", 56, 8),
];
const _: () = assert!(fills(HEADER_FIELDS, HEADER_BYTES) && HEADER_BYTES.is_multiple_of(16));

/// What a listed file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A log: it grows after it was listed, so its length and checksum are not told (0).
    Log,
    /// A sealed part; what it holds is the store's to know.
    Part(u8),
}

/// A live file.
#[derive(Clone, Debug, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(crate) struct Listed {
    name: String,
    role: u8,
    len: u64,
    checksum: u64,
}

impl Listed {
    /// A log by its name.
    pub(crate) fn log(name: &str) -> Self {
        Self { name: name.to_owned(), role: 0, len: 0, checksum: 0 }
    }

    /// A sealed part; `kind` (at most 254) tells the store what it holds.
    pub(crate) fn part(sealed: Sealed, kind: u8) -> Self {
        let Sealed { name, len, checksum } = sealed;
        Self { name, role: kind.saturating_add(1), len, checksum }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn role(&self) -> Role {
        self.role.checked_sub(1).map_or(Role::Log, Role::Part)
    }

    /// What to hold the file against when it is opened as a part.
    pub(crate) fn sealed(&self) -> Sealed {
        Sealed { name: self.name.clone(), len: self.len, checksum: self.checksum }
    }
}

/// What a store consists of at one moment.
#[derive(Clone, Debug, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(crate) struct Manifest {
    pub(crate) store_id: StoreId,
    /// Grows by one with every manifest written.
    pub(crate) generation: u64,
    /// Feature bits in use; see [`KNOWN_FEATURES`].
    pub(crate) features: u64,
    /// Every sequence up to this one was durable when the manifest was written.
    pub(crate) durable_sequence: u64,
    pub(crate) files: Vec<Listed>,
    /// What the store keeps beside the list; checksummed here, understood there.
    pub(crate) payload: Vec<u8>,
}

impl Manifest {
    /// The first manifest of a store, before it has any file: written first, so that a crash while a store is made
    /// leaves either nothing or a store.
    pub(crate) fn new(store_id: StoreId) -> Self {
        Self { store_id, generation: 1, features: 0, durable_sequence: 0, files: Vec::new(), payload: Vec::new() }
    }

    /// Reads the manifest of the directory; `None` where the directory holds nothing yet.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is damaged, or missing beside other files; `Version` when a newer version wrote it. No file is
    /// touched.
    pub(crate) fn read(vfs: &dyn Vfs) -> Result<Option<Self>> {
        let path = vfs.path(MANIFEST_NAME);
        if vfs.len(MANIFEST_NAME)?.is_some() {
            return Self::decode(&vfs.read(MANIFEST_NAME)?, &path).map(Some);
        }
        // The lock comes before the first manifest, and a crash may leave the first manifest's temporary file.
        if vfs.list()?.iter().any(|name| name != LOCK_NAME && name != TEMPORARY_NAME) {
            return Err(Error::corrupt(&path, 0, "the manifest is missing and the directory is not empty"));
        }
        Ok(None)
    }

    /// Makes this the list of the store, durably; before that, the names of all files created so far become durable.
    ///
    /// # Errors
    ///
    /// `Poisoned` when it is unknown which list the disk has, the one before or this: stop writing, and reopen. After
    /// any other error it is the one before, and this can be written again.
    pub(crate) fn write(&self, vfs: &dyn Vfs) -> Result<()> {
        let (header, body) = self.encode(&vfs.path(MANIFEST_NAME))?;
        vfs.sync_dir()?;
        if vfs.len(TEMPORARY_NAME)?.is_some() {
            vfs.remove(TEMPORARY_NAME)?;
        }
        let mut file = vfs.create(TEMPORARY_NAME)?;
        file.append(&mut [IoSlice::new(&header), IoSlice::new(&body)])?;
        file.sync_data()?;
        vfs.rename(TEMPORARY_NAME, MANIFEST_NAME)?;
        vfs.sync_dir().map_err(|error| Error::poisoned(&error.to_string()))
    }

    /// The names of its logs.
    pub(crate) fn logs(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter(|file| file.role() == Role::Log).map(Listed::name)
    }

    /// Files of ours that this manifest does not list: what a crash left half made, or did not get to remove.
    ///
    /// Only for the manifest that is on disk, and with the lock held.
    pub(crate) fn leftovers(&self, vfs: &dyn Vfs) -> Result<Vec<String>> {
        let listed: BTreeSet<&str> = self.files.iter().map(Listed::name).collect();
        let mut found = vfs.list()?;
        found.retain(|name| {
            is_plain(name) && OUR_SUFFIXES.iter().any(|end| name.ends_with(end)) && !listed.contains(name.as_str())
        });
        Ok(found)
    }

    fn encode(&self, path: &Path) -> Result<([u8; HEADER_BYTES], AlignedVec)> {
        let unfit = || Error::invalid("a manifest lists plain names, each once, and known features only");
        if self.features & !KNOWN_FEATURES != 0 || !self.has_plain_unique_names() {
            return Err(unfit());
        }
        let failed = |e: rancor::Error| Error::io("encode", path, std::io::Error::other(e.to_string()));
        let body = rkyv::to_bytes::<rancor::Error>(self).map_err(failed)?;
        let fill = Fill::<HEADER_BYTES>::new().put(MAGIC).put(FORMAT_VERSION.to_le_bytes()).put([0; 4]);
        let fill = fill.put(self.features.to_le_bytes()).put((body.len() as u64).to_le_bytes());
        let fill = fill.put(xxh3_64(&body).to_le_bytes()).put([0; 16]);
        let checksum = xxh3_64(fill.filled());
        Ok((fill.put(checksum.to_le_bytes()).bytes(), body))
    }

    fn decode(bytes: &[u8], path: &Path) -> Result<Self> {
        let corrupt = |at: usize, what: &str| Error::corrupt(path, at as u64, what);
        let (header, body) =
            bytes.split_first_chunk().ok_or_else(|| corrupt(0, "the manifest's header is incomplete"))?;
        let header = Header::read(header).ok_or_else(|| corrupt(0, "the manifest's header is damaged"))?;
        if header.version != FORMAT_VERSION || header.features & !KNOWN_FEATURES != 0 {
            let hint = "is in a format, or has features, of another version; open the store with that one";
            return Err(Error::version(format!("{} {hint}", path.display())));
        }
        if body.len() as u64 != header.body_len || xxh3_64(body) != header.body_checksum {
            return Err(corrupt(HEADER_BYTES, "the manifest is damaged"));
        }
        // A copy, because checked access asks for alignment and the bytes of a file in memory promise none.
        let mut aligned: AlignedVec = AlignedVec::with_capacity(body.len());
        aligned.extend_from_slice(body);
        let manifest = rkyv::from_bytes::<Self, rancor::Error>(&aligned)
            .map_err(|_| corrupt(HEADER_BYTES, "the manifest is not a list of files"))?;
        if manifest.features != header.features || !manifest.has_plain_unique_names() {
            return Err(corrupt(HEADER_BYTES, "the manifest contradicts itself"));
        }
        Ok(manifest)
    }

    fn has_plain_unique_names(&self) -> bool {
        let mut seen = BTreeSet::new();
        let fixed = [MANIFEST_NAME, TEMPORARY_NAME, LOCK_NAME, PROOF_NAME];
        self.files.iter().all(|file| is_plain(&file.name) && !fixed.contains(&file.name()) && seen.insert(file.name()))
    }
}

struct Header {
    version: u32,
    features: u64,
    body_len: u64,
    body_checksum: u64,
}

impl Header {
    /// The header where magic and checksum are right. Every format version keeps this struct, so that an old version
    /// can tell a newer store from a damaged one.
    fn read(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let (summed, checksum) = bytes.split_last_chunk::<8>()?;
        if xxh3_64(summed) != u64::from_le_bytes(*checksum) {
            return None;
        }
        let mut reader = Reader::new(summed);
        if reader.array() != Some(MAGIC) {
            return None;
        }
        let version = reader.u32()?;
        reader.u32()?;
        Some(Self { version, features: reader.u64()?, body_len: reader.u64()?, body_checksum: reader.u64()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::storage::memory::MemoryVfs;
    use proptest::prelude::*;

    fn sample() -> Manifest {
        let sealed = Sealed { name: "00000001.part".into(), len: 4096, checksum: 77 };
        let files = vec![Listed::part(sealed, 4), Listed::log("00000002.log")];
        Manifest { durable_sequence: 12, files, payload: b"opaque".to_vec(), ..Manifest::new([3; 16]) }
    }

    fn bytes_of(manifest: &Manifest) -> Vec<u8> {
        let vfs = MemoryVfs::default();
        manifest.write(&vfs).unwrap();
        vfs.read(MANIFEST_NAME).unwrap().to_vec()
    }

    fn put(vfs: &dyn Vfs, name: &str, bytes: &[u8]) {
        vfs.create(name).unwrap().append(&mut [IoSlice::new(bytes)]).unwrap();
    }

    fn kind_of(bytes: &[u8]) -> Option<ErrorKind> {
        Manifest::decode(bytes, Path::new("manifest")).err().map(|e| e.kind())
    }

    #[test]
    fn every_change_truncation_and_extension_is_corrupt() {
        let good = bytes_of(&sample());
        assert_eq!(Manifest::decode(&good, Path::new("manifest")).unwrap(), sample());
        for at in 0..good.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= flip;
                assert_eq!(kind_of(&bad), Some(ErrorKind::Corrupt), "byte {at}");
            }
            assert_eq!(kind_of(&good[..at]), Some(ErrorKind::Corrupt), "cut at {at}");
        }
        assert_eq!(kind_of(&[good, vec![0]].concat()), Some(ErrorKind::Corrupt));
    }

    #[test]
    fn another_version_or_feature_is_told_and_nothing_is_touched() {
        for at in [8, 16, 23] {
            let mut newer = bytes_of(&sample());
            newer[at] ^= 0x40;
            let checksum = xxh3_64(&newer[..56]).to_le_bytes();
            newer[56..64].copy_from_slice(&checksum);
            let vfs = MemoryVfs::default();
            put(&vfs, MANIFEST_NAME, &newer);
            put(&vfs, "1.part", b"x");
            assert_eq!(Manifest::read(&vfs).unwrap_err().kind(), ErrorKind::Version);
            assert_eq!(vfs.list().unwrap(), ["1.part", "manifest"]);
            assert_eq!(vfs.read(MANIFEST_NAME).unwrap()[..], newer);
        }
    }

    #[test]
    fn a_missing_manifest_is_an_empty_store_only_in_an_empty_directory() {
        let vfs = MemoryVfs::default();
        assert_eq!(Manifest::read(&vfs).unwrap(), None);
        let _lock = vfs.lock().unwrap();
        put(&vfs, TEMPORARY_NAME, b"half");
        assert_eq!(Manifest::read(&vfs).unwrap(), None);
        put(&vfs, "notes.txt", b"");
        assert_eq!(Manifest::read(&vfs).unwrap_err().kind(), ErrorKind::Corrupt);
        vfs.remove("notes.txt").unwrap();
        sample().write(&vfs).unwrap();
        assert_eq!(Manifest::read(&vfs).unwrap(), Some(sample()));
        assert_eq!(vfs.list().unwrap(), ["lock", "manifest"]);
    }

    #[test]
    fn leftovers_are_ours_and_not_listed() {
        let vfs = MemoryVfs::default();
        for name in ["00000001.part", "00000002.log", "00000003.part", "1.log", "x.tmp", "notes.txt", "part"] {
            put(&vfs, name, b"");
        }
        sample().write(&vfs).unwrap();
        assert_eq!(sample().leftovers(&vfs).unwrap(), ["00000003.part", "1.log", "x.tmp"]);
    }

    #[test]
    fn names_that_could_leave_the_directory_are_never_written_or_believed() {
        for name in ["../x.part", "a/b", "", "manifest", "lock"] {
            let bad = Manifest { files: vec![Listed::log(name)], ..sample() };
            assert_eq!(bad.write(&MemoryVfs::default()).unwrap_err().kind(), ErrorKind::Invalid);
        }
        let twice = Manifest { files: vec![Listed::log("a"), Listed::log("a")], ..sample() };
        assert!(twice.write(&MemoryVfs::default()).is_err());
        assert_eq!(sample().files[0].role(), Role::Part(4));
        assert_eq!(sample().files[1].role(), Role::Log);
        assert_eq!(sample().files[0].sealed().len, 4096);
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn manifests_round_trip(count in 0usize..50, payload: Vec<u8>, generation: u64, store_id: [u8; 16]) {
            let files = (0..count).map(|n| Listed::log(&format!("{n}.log"))).collect();
            let manifest = Manifest { files, payload, generation, ..Manifest::new(store_id) };
            prop_assert_eq!(Manifest::decode(&bytes_of(&manifest), Path::new("manifest")).unwrap(), manifest);
        }

        /// Past the checksum only checked access stands between made-up bytes and undefined behavior.
        #[test]
        fn no_body_makes_the_reader_panic(body: Vec<u8>) {
            let fill = Fill::<HEADER_BYTES>::new().put(MAGIC).put(FORMAT_VERSION.to_le_bytes()).put([0; 12]);
            let fill = fill.put((body.len() as u64).to_le_bytes()).put(xxh3_64(&body).to_le_bytes()).put([0; 16]);
            let checksum = xxh3_64(fill.filled());
            let bytes = [fill.put(checksum.to_le_bytes()).bytes().to_vec(), body].concat();
            let _ = Manifest::decode(&bytes, Path::new("manifest"));
        }
    }
}
