//! Files that a form sends: `multipart/form-data` with one file in it.

use actix_multipart::{Field, Multipart, MultipartError};
use futures_util::TryStreamExt as _;
use tokio::io::AsyncWriteExt as _;

/// Most bytes beside the file that are passed over.
const MAX_PASSED: usize = 64 * 1024;

/// A file that was sent.
#[derive(Debug)]
pub struct Upload {
    /// The name that the sender gives it; may be anything.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The form has none.
    #[error("No file uploaded")]
    Nothing,
    /// It is larger than it may be.
    #[error("File too large. Maximum size is {} KiB", .0 / 1024)]
    TooLarge(usize),
    /// Files with such a name are not taken.
    #[error("{0}")]
    Name(&'static str),
    /// The disk refuses.
    #[error("the upload can't be kept: {0}")]
    Disk(#[from] std::io::Error),
    /// The body is no form.
    #[error("the upload can't be read: {0}; send it as multipart/form-data")]
    Unreadable(String),
}

impl From<MultipartError> for UploadError {
    fn from(error: MultipartError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Reads the first file of a form, of at most `most` bytes.
///
/// # Errors
/// There is none, or it is too large.
pub async fn file_of(mut form: Multipart, most: usize) -> Result<Upload, UploadError> {
    let (name, mut field) = first_file(&mut form).await?;
    let mut content = Vec::new();
    while let Some(chunk) = field.try_next().await? {
        content.extend_from_slice(&chunk);
        if content.len() > most {
            return Err(UploadError::TooLarge(most));
        }
    }
    if content.is_empty() { Err(UploadError::Nothing) } else { Ok(Upload { name, content }) }
}

/// The same, for one that is too large for the memory: it is written to `file`. Returns the name that the sender gives it, if `accepts`
/// says nothing against the name.
///
/// # Errors
/// There is none, it is too large, the name is refused, or the disk refuses.
pub async fn store_file(
    mut form: Multipart,
    most: usize,
    accepts: impl Fn(&str) -> Result<(), &'static str>,
    file: &mut tokio::fs::File,
) -> Result<String, UploadError> {
    let (name, mut field) = first_file(&mut form).await?;
    accepts(&name).map_err(UploadError::Name)?;
    let mut written = 0;
    while let Some(chunk) = field.try_next().await? {
        written += chunk.len();
        if written > most {
            return Err(UploadError::TooLarge(most));
        }
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    if written == 0 { Err(UploadError::Nothing) } else { Ok(name) }
}

/// The first field that is a file, and its name.
async fn first_file(form: &mut Multipart) -> Result<(String, Field), UploadError> {
    let mut passed = 0;
    while let Some(mut field) = form.try_next().await? {
        if let Some(name) = field.content_disposition().and_then(|disposition| disposition.get_filename()) {
            return Ok((name.to_owned(), field));
        }
        while let Some(chunk) = field.try_next().await? {
            passed += chunk.len();
            if passed > MAX_PASSED {
                return Err(UploadError::TooLarge(MAX_PASSED));
            }
        }
    }
    Err(UploadError::Nothing)
}
