//! The table of contents of an archive in pg_dump's custom format, one entry after the other: that
//! of a large schema is never in memory as a whole. Nothing that the file says about sizes is
//! believed unchecked: a damaged file must be an error, not the end of memory.

use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read, Result, Seek};
use std::path::Path;

const MAGIC: &[u8] = b"PGDMP";

/// What pg_dump writes on every platform.
const INT_BYTES: u8 = 4;
const OFFSET_BYTES_MAX: u8 = 8;
const CUSTOM_FORMAT: u8 = 1;

/// Versions of the format that are known: those of PostgreSQL 10 to 18.
const VERSION_MIN: [u8; 2] = [1, 12];
const VERSION_MAX: [u8; 2] = [1, 16];

/// From this version of the format on entries have an access method.
const ACCESS_METHOD_VERSION: [u8; 2] = [1, 14];

/// From this version of the format on the compression is one byte, before it is a number.
const COMPRESSION_BYTE_VERSION: [u8; 2] = [1, 15];

/// From this version of the format on entries have the kind of their relation.
const RELATION_KIND_VERSION: [u8; 2] = [1, 16];

/// No entry of the table of contents takes less: more than twenty numbers and texts.
const ENTRY_BYTES_MIN: u64 = 40;

/// Second to daylight saving time.
const TIME_NUMBERS: usize = 7;

/// Where in a script an entry belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// Wherever what it is about is.
    None,
    PreData,
    Data,
    PostData,
}

/// One entry as the archive has it.
#[derive(Debug)]
pub(super) struct Item {
    pub dump_id: i32,
    pub catalog: String,
    pub oid: String,
    pub tag: Option<String>,
    pub description: String,
    pub section: Section,
    pub definition: Option<String>,
    pub drop: Option<String>,
    pub namespace: Option<String>,
    pub tablespace: Option<String>,
    pub owner: Option<String>,
    pub dependencies: Vec<i32>,
}

/// The entries of an archive that have not been read yet.
#[derive(Debug)]
pub(super) struct Contents {
    reader: BufReader<File>,
    version: [u8; 2],
    offset_bytes: u8,
    /// How large the file is: no text is longer.
    size: u64,
    /// Where the number of entries is.
    count_at: u64,
    left: u32,
}

impl Contents {
    /// Opens an archive.
    pub(super) fn open(archive: &Path) -> Result<Contents> {
        let file = File::open(archive)?;
        let size = file.metadata()?.len();
        let mut reader = BufReader::new(file);
        let mut start = [0; 11];
        reader.read_exact(&mut start)?;
        let [magic @ .., major, minor, _, int_bytes, offset_bytes, format] = start;
        let is_known = magic == MAGIC
            && int_bytes == INT_BYTES
            && (1..=OFFSET_BYTES_MAX).contains(&offset_bytes)
            && format == CUSTOM_FORMAT;
        if !is_known {
            return Err(malformed("it is no archive in the custom format"));
        }
        let version = [major, minor];
        if !(VERSION_MIN..=VERSION_MAX).contains(&version) {
            return Err(malformed(&format!("its format {major}.{minor} is not known")));
        }
        let mut contents = Contents { reader, version, offset_bytes, size, count_at: 0, left: 0 };
        match version >= COMPRESSION_BYTE_VERSION {
            true => contents.reader.read_exact(&mut [0])?,
            false => drop(contents.number()?),
        }
        for _ in 0..TIME_NUMBERS {
            contents.number()?;
        }
        // The names of the database and of both versions.
        for _ in 0..3 {
            contents.skip_text()?;
        }
        contents.count_at = contents.position()?;
        contents.left = match u32::try_from(contents.number()?) {
            Ok(entries) if u64::from(entries) <= size / ENTRY_BYTES_MIN => entries,
            _ => return Err(malformed("its number of entries cannot be right")),
        };
        Ok(contents)
    }

    /// Where the number of entries is, which are right behind it.
    pub(super) fn count_at(&self) -> u64 {
        self.count_at
    }

    /// How far the file was read.
    pub(super) fn position(&mut self) -> Result<u64> {
        self.reader.stream_position()
    }

    fn item(&mut self) -> Result<Item> {
        let dump_id = self.id()?;
        // Whether there is data.
        self.number()?;
        let catalog = self.text()?.unwrap_or_else(|| "0".into());
        let oid = self.text()?.unwrap_or_else(|| "0".into());
        let tag = self.text()?;
        let description =
            self.text()?.ok_or_else(|| malformed("an entry does not say its kind"))?;
        let section = match self.number()? {
            1 => Section::None,
            2 => Section::PreData,
            3 => Section::Data,
            4 => Section::PostData,
            _ => return Err(malformed("an entry is in a section that is not known")),
        };
        let definition = self.text()?;
        let drop = self.text()?;
        // COPY
        self.skip_text()?;
        let namespace = self.text()?;
        let tablespace = self.text()?;
        if self.version >= ACCESS_METHOD_VERSION {
            self.skip_text()?;
        }
        if self.version >= RELATION_KIND_VERSION {
            self.number()?;
        }
        let owner = self.text()?;
        // WITH OIDS
        self.skip_text()?;
        let mut dependencies = Vec::new();
        while let Some(id) = self.text()?.filter(|id| !id.is_empty()) {
            let id = id.parse().map_err(|_| malformed("an entry depends on no number"))?;
            dependencies.push(id);
        }
        // Where its data is.
        let mut place = [0; 1 + OFFSET_BYTES_MAX as usize];
        self.reader.read_exact(&mut place[..=usize::from(self.offset_bytes)])?;
        Ok(Item {
            dump_id,
            catalog,
            oid,
            tag,
            description,
            section,
            definition,
            drop,
            namespace,
            tablespace,
            owner,
            dependencies,
        })
    }

    fn id(&mut self) -> Result<i32> {
        i32::try_from(self.number()?).map_err(|_| malformed("an entry's number is too large"))
    }

    /// A sign and the bytes of a number, the lowest first.
    fn number(&mut self) -> Result<i64> {
        let mut bytes = [0; 5];
        self.reader.read_exact(&mut bytes)?;
        let [sign, magnitude @ ..] = bytes;
        let magnitude = i64::from(u32::from_le_bytes(magnitude));
        Ok(if sign == 0 { magnitude } else { -magnitude })
    }

    /// The length of a text; `None` where there is none.
    fn length(&mut self) -> Result<Option<u64>> {
        match u64::try_from(self.number()?) {
            Ok(length) if length > self.size => Err(malformed("it ends too early")),
            length => Ok(length.ok()),
        }
    }

    fn text(&mut self) -> Result<Option<String>> {
        let Some(length) = self.length()? else { return Ok(None) };
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.reader.read_exact(&mut bytes)?;
        let text = String::from_utf8(bytes);
        text.map(Some).map_err(|_| malformed("it holds text that is not UTF-8"))
    }

    fn skip_text(&mut self) -> Result<()> {
        let length = self.length()?.unwrap_or(0);
        let text = &mut self.reader.by_ref().take(length);
        match std::io::copy(text, &mut std::io::sink())? < length {
            true => Err(malformed("it ends too early")),
            false => Ok(()),
        }
    }
}

impl Iterator for Contents {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Result<Item>> {
        self.left = self.left.checked_sub(1)?;
        let item = self.item();
        if item.is_err() {
            self.left = 0;
        }
        Some(item)
    }
}

fn malformed(reason: &str) -> Error {
    Error::new(ErrorKind::InvalidData, reason)
}
