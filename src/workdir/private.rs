//! Directories and files that nobody else can read, and that nobody else has prepared.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::error::{Error, Kind, Result};

use super::error::failed;

/// Permissions of every directory of ours.
const DIRECTORY_MODE: u32 = 0o700;

/// Permissions of every file of ours.
const FILE_MODE: u32 = 0o600;

/// The sticky bit: only its owner can rename or remove what is in such a directory.
const STICKY: u32 = 0o1000;

/// Write permission of all users.
const OTHERS_WRITE: u32 = 0o002;

/// Write permission of anybody but the owner.
const NOT_ONLY_OWNER_WRITES: u32 = 0o022;

/// Makes a directory, with the directories above it, unless it is there.
pub(super) fn create(path: &Path) -> Result<()> {
    let doing = "could not create directory";
    if let Some(parent) = path.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(DIRECTORY_MODE);
        builder.create(parent).map_err(|cause| failed(doing, parent, cause))?;
    }
    match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        // The umask can take away what we need; it cannot add what we do not want.
        Ok(()) => std::fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE))
            .map_err(|cause| failed(doing, path, cause)),
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(cause) => Err(failed(doing, path, cause)),
    }
}

/// Whether something has that name.
pub(super) fn exists(path: &Path) -> Result<bool> {
    path.try_exists().map_err(|cause| failed("could not look at", path, cause))
}

/// Refuses a directory that somebody else owns, can write to, or may have put in our way: names in
/// /tmp are guessable, and what is written there holds the schema and password hashes of roles.
pub(super) fn check(path: &Path) -> Result<()> {
    let doing = "could not look at";
    let refused = |reason: &str| {
        Error::new(
            Kind::State,
            format!("cannot use \"{}\" as the work directory: {reason}", path.display()),
        )
    };
    let link = path.symlink_metadata().map_err(|cause| failed(doing, path, cause))?;
    if link.is_symlink() && is_shared(path.parent())? {
        return Err(refused("it is a symbolic link in a directory that all users can write to")
            .hint("Name another directory with --dir."));
    }
    let metadata = path.metadata().map_err(|cause| failed(doing, path, cause))?;
    if !metadata.is_dir() {
        return Err(refused("it is not a directory").hint("Name another directory with --dir."));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("it belongs to another user")
            .detail(format!("The directory belongs to the user with id {}.", metadata.uid()))
            .hint("Name another directory with --dir, or run this command as that user."));
    }
    if metadata.mode() & NOT_ONLY_OWNER_WRITES != 0 {
        return Err(refused("other users can write to it")
            .detail(format!("Its permissions are {:04o}.", metadata.mode() & 0o7777))
            .hint(
                "Take the permission away with chmod go-w, or name another directory with --dir.",
            ));
    }
    Ok(())
}

/// Whether all users can make names in a directory, as in /tmp.
fn is_shared(directory: Option<&Path>) -> Result<bool> {
    let Some(directory) = directory else {
        return Ok(false);
    };
    let metadata =
        directory.metadata().map_err(|cause| failed("could not look at", directory, cause))?;
    Ok(metadata.mode() & STICKY != 0 && metadata.mode() & OTHERS_WRITE != 0)
}

/// Opens a file for reading and writing; it is made if it is missing, and not shortened.
pub(super) fn open_file(path: &Path) -> Result<File> {
    let doing = "could not create file";
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(|cause| failed(doing, path, cause))?;
    // A file that another program has made may have other permissions.
    file.set_permissions(Permissions::from_mode(FILE_MODE))
        .map_err(|cause| failed(doing, path, cause))?;
    Ok(file)
}
