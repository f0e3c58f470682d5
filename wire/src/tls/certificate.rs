//! The few parts of an X.509 certificate that the TLS library does not give: version, common name,
//! signature algorithm, dates (RFC 5280, section 4.1). Takes DER apart; every short or odd read is
//! `None`. What is trusted is decided in `verify.rs`.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// DER tags (ITU-T X.690).
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT_0: u8 = 0xa0;
const EXPLICIT_3: u8 = 0xa3;

/// Contents of object identifiers.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];

/// The kinds of alternative names that a host name or an address is compared with, by their tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum NameKind {
    Dns = 0x82,
    Address = 0x87,
}

/// A certificate, taken apart.
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    /// 1 to 3.
    pub version: u8,
    /// What is signed, as a whole element.
    pub signed: &'a [u8],
    /// The content of its AlgorithmIdentifier.
    pub signature_algorithm: &'a [u8],
    pub signature: &'a [u8],
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
    /// Seconds since 1970.
    pub not_before: i64,
    pub not_after: i64,
    /// The SubjectPublicKeyInfo, as a whole element.
    pub public_key: &'a [u8],
    extensions: Option<&'a [u8]>,
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Option<Certificate<'a>> {
        let mut outer = Der(der);
        let mut certificate = Der(outer.expect(SEQUENCE)?.content);
        let signed = certificate.expect(SEQUENCE)?;
        let signature_algorithm = certificate.expect(SEQUENCE)?.content;
        // The first byte counts the unused bits of the last one; there are none.
        let [0, signature @ ..] = certificate.expect(BIT_STRING)?.content else {
            return None;
        };
        if !outer.0.is_empty() || !certificate.0.is_empty() {
            return None;
        }
        let mut fields = Der(signed.content);
        let version = match fields.optional(EXPLICIT_0) {
            None => 1,
            Some(explicit) => match Der(explicit).expect(INTEGER)?.content {
                [version @ 0..=2] => version + 1,
                _ => return None,
            },
        };
        fields.expect(INTEGER)?;
        fields.expect(SEQUENCE)?;
        let issuer = fields.expect(SEQUENCE)?.content;
        let mut validity = Der(fields.expect(SEQUENCE)?.content);
        let subject = fields.expect(SEQUENCE)?.content;
        let public_key = fields.expect(SEQUENCE)?.whole;
        let mut extensions = None;
        while let Some(element) = fields.next() {
            if element.tag == EXPLICIT_3 {
                extensions = Some(Der(element.content).expect(SEQUENCE)?.content);
            }
        }
        if !fields.0.is_empty() {
            return None;
        }
        Some(Certificate {
            version,
            signed: signed.whole,
            signature_algorithm,
            signature,
            issuer,
            subject,
            not_before: seconds(&validity.next()?)?,
            not_after: seconds(&validity.next()?)?,
            public_key,
            extensions,
        })
    }

    /// The first common name of the subject.
    pub(super) fn common_name(&self) -> Option<&'a str> {
        let mut sets = Der(self.subject);
        while let Some(set) = sets.next().filter(|set| set.tag == SET) {
            let mut attributes = Der(set.content);
            while let Some(attribute) = attributes.next() {
                let mut attribute = Der(attribute.content);
                if attribute.expect(OBJECT_IDENTIFIER)?.content == COMMON_NAME {
                    return std::str::from_utf8(attribute.next()?.content).ok();
                }
            }
        }
        None
    }

    /// Whether it has an alternative name of this kind.
    pub(super) fn has_alternative_name(&self, kind: NameKind) -> bool {
        let Some(names) = self.extension(SUBJECT_ALTERNATIVE_NAME) else {
            return false;
        };
        let Some(sequence) = Der(names).expect(SEQUENCE) else {
            return false;
        };
        let mut names = Der(sequence.content);
        std::iter::from_fn(move || names.next()).any(|name| name.tag == kind as u8)
    }

    /// Whether it may sign others: version 1 leaves that open, later ones say it.
    pub(super) fn is_authority(&self) -> bool {
        match self.extension(BASIC_CONSTRAINTS) {
            None => self.version < 3,
            // SEQUENCE { cA BOOLEAN TRUE, … }
            Some(constraints) => Der(constraints)
                .expect(SEQUENCE)
                .is_some_and(|sequence| sequence.content.starts_with(&[0x01, 0x01, 0xff])),
        }
    }

    /// Whether it limits the names that those it signs may have.
    pub(super) fn constrains_names(&self) -> bool {
        self.extension(NAME_CONSTRAINTS).is_some()
    }

    /// Whether it is valid at this time, in seconds since 1970.
    pub(super) fn is_valid_at(&self, time: i64) -> bool {
        (self.not_before..=self.not_after).contains(&time)
    }

    fn extension(&self, wanted: &[u8]) -> Option<&'a [u8]> {
        let mut extensions = Der(self.extensions?);
        while let Some(extension) = extensions.next() {
            let mut fields = Der(extension.content);
            if fields.expect(OBJECT_IDENTIFIER)?.content == wanted {
                // A BOOLEAN that says whether it is critical may come first.
                return std::iter::from_fn(|| fields.next())
                    .find(|field| field.tag == OCTET_STRING)
                    .map(|field| field.content);
            }
        }
        None
    }
}

/// The hash of a whole certificate that SCRAM is tied to (RFC 5929, section 4.1): the hash of its
/// signature algorithm, SHA-256 in place of MD5 and SHA-1, nothing for algorithms without one.
pub(super) fn server_end_point(der: &[u8]) -> Option<Vec<u8>> {
    let algorithm = Certificate::parse(der)?.signature_algorithm;
    let mut fields = Der(algorithm);
    let identifier = fields.expect(OBJECT_IDENTIFIER)?.content;
    let hash = match identifier {
        RSA_PSS => pss_hash(fields)?,
        identifier => hash_of(identifier)?,
    };
    Some(match hash {
        Hash::Sha224 => Sha224::digest(der).to_vec(),
        Hash::Sha256 => Sha256::digest(der).to_vec(),
        Hash::Sha384 => Sha384::digest(der).to_vec(),
        Hash::Sha512 => Sha512::digest(der).to_vec(),
    })
}

#[derive(Clone, Copy)]
enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The hash that a signature algorithm or a hash algorithm names.
fn hash_of(identifier: &[u8]) -> Option<Hash> {
    let (&last, family) = identifier.split_last()?;
    match (family, last) {
        // PKCS #1: md5, sha1, sha256, sha384, sha512, sha224, each WithRSAEncryption.
        ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01], 4 | 5 | 11) => Some(Hash::Sha256),
        ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01], 12) => Some(Hash::Sha384),
        ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01], 13) => Some(Hash::Sha512),
        ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01], 14) => Some(Hash::Sha224),
        // ecdsa-with-SHA1, ecdsa-with-SHA2.
        ([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04], 1) => Some(Hash::Sha256),
        ([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03], 1) => Some(Hash::Sha224),
        ([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03], 2) => Some(Hash::Sha256),
        ([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03], 3) => Some(Hash::Sha384),
        ([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03], 4) => Some(Hash::Sha512),
        // NIST's hash algorithms.
        ([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02], 1) => Some(Hash::Sha256),
        ([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02], 2) => Some(Hash::Sha384),
        ([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02], 3) => Some(Hash::Sha512),
        ([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02], 4) => Some(Hash::Sha224),
        _ => None,
    }
}

/// RSASSA-PSS names its hash in its parameters; the default is SHA-1.
fn pss_hash(mut fields: Der<'_>) -> Option<Hash> {
    let mut parameters = Der(fields.expect(SEQUENCE)?.content);
    let Some(explicit) = parameters.optional(EXPLICIT_0) else {
        return Some(Hash::Sha256);
    };
    let mut algorithm = Der(Der(explicit).expect(SEQUENCE)?.content);
    hash_of(algorithm.expect(OBJECT_IDENTIFIER)?.content)
}

/// Elements, one after the other.
struct Der<'a>(&'a [u8]);

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    /// With tag and length.
    whole: &'a [u8],
}

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            // The low bits count the bytes of the length. A certificate needs at most three.
            let count = usize::from(first & 0x7f);
            let (bytes, rest) =
                rest.split_at_checked(count).filter(|_| (1..=3).contains(&count))?;
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        };
        let (content, after) = rest.split_at_checked(length)?;
        let whole = &self.0[..self.0.len() - after.len()];
        self.0 = after;
        Some(Element { tag, content, whole })
    }

    fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        self.next().filter(|element| element.tag == tag)
    }

    /// The content of the next element if it has this tag.
    fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        self.next().map(|element| element.content)
    }
}

/// UTCTime (two digits of the year, 1950 to 2049) or GeneralizedTime, in Zulu time.
fn seconds(time: &Element<'_>) -> Option<i64> {
    let text = std::str::from_utf8(time.content).ok()?.strip_suffix('Z')?;
    let century_digits = match time.tag {
        UTC_TIME => 0,
        GENERALIZED_TIME => 2,
        _ => return None,
    };
    if text.len() != 12 + century_digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = text.split_at(2 + century_digits);
    let year: i64 = year.parse().ok()?;
    let year = match time.tag {
        UTC_TIME if year < 50 => 2000 + year,
        UTC_TIME => 1900 + year,
        _ => year,
    };
    let at = |index: usize| rest.get(index..index + 2)?.parse::<i64>().ok();
    let (month, day) = (at(0)?, at(2)?);
    if !(1..=12).contains(&month) {
        return None;
    }
    Some(days(year, month, day) * 86_400 + at(4)? * 3_600 + at(6)? * 60 + at(8)?)
}

/// Days since 1970 in the Gregorian calendar, counting years from March so that the day that may
/// be missing is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * month + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(1969, 12, 31), -1);
        assert_eq!(days(2000, 2, 29), 11_016);
        assert_eq!(days(2026, 11, 21), 20_778);
    }

    #[test]
    fn times_are_read() {
        let time =
            |tag, text: &str| seconds(&Element { tag, content: text.as_bytes(), whole: &[] });
        assert_eq!(time(UTC_TIME, "700101000001Z"), Some(1));
        assert_eq!(time(UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(time(GENERALIZED_TIME, "20500101000000Z"), Some(2_524_608_000));
        for text in ["", "Z", "700101000001", "7001010000Z", "701301000000Z", "7001010000+1Z"] {
            assert_eq!(time(UTC_TIME, text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = server_end_point(&bytes);
            if let Some(certificate) = Certificate::parse(&bytes) {
                let _ = certificate.common_name();
            }
        }
    }
}
