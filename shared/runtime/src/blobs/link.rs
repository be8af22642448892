//! Links that let a browser fetch one blob for a while, signed with our credentials.

use std::fmt::Write;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;

use super::{BlobError, BlobKey, Blobs, failed};

/// Bytes of a file's name in a link; file systems take no longer ones.
const LONGEST_NAME: usize = 200;
/// What a browser is told of a type that we cannot read.
const UNKNOWN_TYPE: &str = "application/octet-stream";

impl Blobs {
    /// A link to a blob, whether or not there is one, as a download called `file_name` of `media_type`.
    /// Whoever has it can read the blob, so it is not for logs.
    ///
    /// It works for `valid_for` at most, counted in whole seconds, and no longer than the credentials that
    /// signed it: with a session of [`TenantAccess`](crate::scoped::TenantAccess), do not promise more than
    /// [`TenantAccess::REMAINING`](crate::scoped::TenantAccess::REMAINING). Signing asks nobody.
    ///
    /// What a user sent is never shown by S3's origin as a page: it is always an attachment, which an
    /// `<img>` or a `<video>` does not mind.
    ///
    /// # Errors
    /// [`BlobError::S3`] when `valid_for` is longer than a week, or shorter than a second.
    pub async fn presigned_get(
        &self,
        key: &BlobKey,
        valid_for: Duration,
        file_name: &str,
        media_type: &str,
    ) -> Result<String, BlobError> {
        if valid_for < Duration::from_secs(1) {
            return Err(failed(key, "signed", "a link must be valid for a second"));
        }
        let config = PresigningConfig::expires_in(valid_for).map_err(|e| failed(key, "signed", e))?;
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key.as_str())
            .response_content_disposition(disposition(file_name))
            .response_content_type(if is_media_type(media_type) { media_type } else { UNKNOWN_TYPE })
            .presigned(config)
            .await
            .map_err(|e| failed(key, "signed", e.into_service_error()))?;
        Ok(request.uri().to_owned())
    }
}

/// `attachment; filename="…"; filename*=UTF-8''…` (RFC 6266): the first for what knows no other, with `_`
/// for what it cannot say.
fn disposition(file_name: &str) -> String {
    // The last part of a path, without what no file system has in names.
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let name = name.trim().trim_start_matches('.');
    let end = (0..=LONGEST_NAME.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    let name = match &name[..end.unwrap_or_default()] {
        "" => "file",
        name => name,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .-_()".contains(c);
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        // RFC 8187's attr-char, without those that are none in RFC 3986.
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            value.push(byte.into());
        } else {
            write!(value, "%{byte:02X}").expect("a String takes everything");
        }
    }
    value
}

/// `type/subtype` of RFC 9110's tokens, with plain parameters if any: nothing that ends a header.
fn is_media_type(text: &str) -> bool {
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    essence.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype.trim_end()))
        && parameters.bytes().all(|b| b.is_ascii_alphanumeric() || b" =-_.;\"".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_given_plainly_and_in_full_and_leads_nowhere() {
        let of = |name: &str| disposition(name).replace("attachment; filename=", "");
        assert_eq!(of("report (1).pdf"), "\"report (1).pdf\"; filename*=UTF-8''report%20%281%29.pdf");
        assert_eq!(of("写真.jpg"), "\"__.jpg\"; filename*=UTF-8''%E5%86%99%E7%9C%9F.jpg");
        assert_eq!(of("a\"; x=\"b\r\nc"), "\"a__ x__bc\"; filename*=UTF-8''a%22%3B%20x%3D%22bc");
        assert_eq!(of("../../etc/passwd"), "\"passwd\"; filename*=UTF-8''passwd");
        assert_eq!(of("..\\.bashrc"), "\"bashrc\"; filename*=UTF-8''bashrc");
        for nothing in ["", "...", "a/", " \u{7}"] {
            assert_eq!(of(nothing), "\"file\"; filename*=UTF-8''file");
        }
        let long = of(&"é".repeat(300));
        assert_eq!(long.matches("%C3%A9").count(), LONGEST_NAME / 2);
    }

    #[test]
    fn only_a_media_type_is_one() {
        for good in ["image/png", "application/vnd.ms-excel", "text/plain; charset=utf-8", "image/svg+xml"] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in ["", "png", "/", "image/", "image/png\r\nx: y", "a/b; c\n", "a b/c", "image/pn,g"] {
            assert!(!is_media_type(bad), "{bad}");
        }
    }
}
