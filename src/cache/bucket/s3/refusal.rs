//! What S3 says when it refuses.

use super::super::refusal::{Meaning, Said, named, refused, skew};

/// What a refusal means to somebody, or to nobody.
pub(super) fn meaning(status: u16, said: &Said, is_nobody: bool) -> Meaning {
    let refused = |reason, help| refused(said, reason, help);
    match (said.code.as_str(), status) {
        ("ExpiredToken" | "TokenRefreshRequired" | "ExpiredTokenException", _) => {
            let reason = format!("the session has run out{}", named(&said.code));
            Meaning::Expired(reason, "log in again, or renew AWS_SESSION_TOKEN and the keys that belong to it")
        }
        ("RequestTimeTooSkewed", _) => skew(said),
        ("SignatureDoesNotMatch", _) => refused(
            "the secret key is not that of the access key",
            "check AWS_SECRET_ACCESS_KEY, or the profile's aws_secret_access_key",
        ),
        ("InvalidAccessKeyId" | "InvalidToken", _) => {
            refused("nobody there has this access key", "check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, or the profile")
        }
        ("NoSuchBucket", _) => refused("there is no such bucket", "check its name, `region` and `endpoint`"),
        (_, 301 | 307) | ("AuthorizationHeaderMalformed", _) => {
            refused("the bucket is in another region", "name it: `s3://bucket?region=…`")
        }
        (_, 403) if is_nobody => refused(
            "it is not for everybody, and no credentials were found",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile: `s3://bucket?profile=…`",
        ),
        (_, 401 | 403) => {
            refused("access denied", "let these credentials read and list the bucket (s3:GetObject, s3:ListBucket)")
        }
        _ => Meaning::Usual,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::cache::bucket::refusal::read;
    use crate::cache::http::Refusal;

    fn refusal(status: u16, body: &str) -> (Said, u16) {
        (read(&Refusal { status, region: None, body: body.as_bytes().to_vec() }), status)
    }

    fn code(status: u16, code: &str) -> Meaning {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>AKIDEXAMPLE</Message></Error>");
        let (said, status) = refusal(status, &body);
        meaning(status, &said, false)
    }

    #[test]
    fn refusals_are_told_apart() {
        assert!(matches!(code(400, "ExpiredToken"), Meaning::Expired(..)));
        assert!(matches!(code(403, "SignatureDoesNotMatch"), Meaning::Refused(reason, _) if reason.contains("secret")));
        assert!(matches!(code(404, "NoSuchBucket"), Meaning::Refused(..)));
        assert_eq!(code(404, "NoSuchKey"), Meaning::Usual);
        assert!(matches!(code(403, "AccessDenied"), Meaning::Refused(reason, _) if !reason.contains("AKID")));
        let (said, status) = refusal(403, "<html>");
        assert!(
            matches!(meaning(status, &said, true), Meaning::Refused(reason, _) if reason.contains("no credentials"))
        );
    }

    #[test]
    fn clocks_and_regions_are_read() {
        let then = Timestamp::from_second(Timestamp::now().as_second() - 3_600).expect("an hour ago");
        let (said, status) =
            refusal(403, &format!("<Error><Code>RequestTimeTooSkewed</Code><ServerTime>{then}</ServerTime></Error>"));
        assert!(
            matches!(meaning(status, &said, false), Meaning::Refused(reason, _) if reason.contains("60 minutes ahead"))
        );
        let (said, _) =
            refusal(400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>");
        assert_eq!(said.region.as_deref(), Some("eu-west-1"));
    }
}
