//! `tls-server-end-point` (RFC 5929 §4).
//!
//! All that is wanted of a certificate is the object identifier behind its first element; whatever
//! parses certificates in whole would be the largest dependency here.

use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `[0]`, constructed.
const CONTEXT_0: u8 = 0xa0;

/// The hash of a certificate in DER, by the hash function that its signature uses; `None` if it uses
/// none, or one that is not known here.
pub(super) fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(match signature_hash(certificate)? {
        Hash::Sha224 => Sha224::digest(certificate).to_vec(),
        Hash::Sha256 => Sha256::digest(certificate).to_vec(),
        Hash::Sha384 => Sha384::digest(certificate).to_vec(),
        Hash::Sha512 => Sha512::digest(certificate).to_vec(),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha224,
    /// Also in place of MD5 and SHA-1.
    Sha256,
    Sha384,
    Sha512,
}

/// `SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OID, parameters }, .. }` (RFC 5280 §4.1).
fn signature_hash(certificate: &[u8]) -> Option<Hash> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (_, behind) = element(certificate, SEQUENCE)?;
    let (algorithm, _) = element(behind, SEQUENCE)?;
    let (identifier, parameters) = element(algorithm, OBJECT_IDENTIFIER)?;
    match identifier {
        // 1.2.840.113549.1.1: RSA (RFC 8017 appendix A.2).
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, with] => match with {
            4 | 5 | 11 => Some(Hash::Sha256),
            10 => pss_hash(parameters),
            12 => Some(Hash::Sha384),
            13 => Some(Hash::Sha512),
            14 => Some(Hash::Sha224),
            _ => None,
        },
        // 1.2.840.10045.4: ECDSA (RFC 5758 §3.2).
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, with @ ..] => match with {
            [1] | [3, 2] => Some(Hash::Sha256),
            [3, 1] => Some(Hash::Sha224),
            [3, 3] => Some(Hash::Sha384),
            [3, 4] => Some(Hash::Sha512),
            _ => None,
        },
        _ => None,
    }
}

/// `SEQUENCE { [0] SEQUENCE { OID, .. } DEFAULT sha1, .. }` (RFC 4055 §3.1).
fn pss_hash(parameters: &[u8]) -> Option<Hash> {
    let (parameters, _) = element(parameters, SEQUENCE)?;
    let Some((hash, _)) = element(parameters, CONTEXT_0) else { return Some(Hash::Sha256) };
    let (hash, _) = element(hash, SEQUENCE)?;
    match element(hash, OBJECT_IDENTIFIER)?.0 {
        // 1.3.14.3.2.26: SHA-1.
        [0x2b, 0x0e, 0x03, 0x02, 0x1a]
        // 2.16.840.1.101.3.4.2: SHA-2 (RFC 5754 §2).
        | [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 1] => Some(Hash::Sha256),
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 2] => Some(Hash::Sha384),
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 3] => Some(Hash::Sha512),
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 4] => Some(Hash::Sha224),
        _ => None,
    }
}

/// The contents of the element at the start of `der`, if it has this tag, and what is behind it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = der.strip_prefix(&[tag])?.split_first()?;
    if length < 0x80 {
        return rest.split_at_checked(usize::from(length));
    }
    let (length, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
    // Nothing that holds a certificate counts its octets with more than 32 bits.
    if length.is_empty() || length.len() > 4 {
        return None;
    }
    let length = length.iter().fold(0, |length, &octet| length << 8 | u64::from(octet));
    rest.split_at_checked(usize::try_from(length).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
        let contents = contents.concat();
        let length = u16::try_from(contents.len()).expect("a short element");
        let element = match length.to_be_bytes() {
            [0, short @ ..0x80] => vec![tag, short],
            [0, long] => vec![tag, 0x81, long],
            [high, low] => vec![tag, 0x82, high, low],
        };
        [element, contents].concat()
    }

    fn certificate(algorithm: &[&[u8]]) -> Vec<u8> {
        let signed = der(SEQUENCE, &[&[7; 700]]);
        der(SEQUENCE, &[&signed, &der(SEQUENCE, algorithm), &der(3, &[&[0; 65]])])
    }

    const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: [u8; 6] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
    const SHA_2: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

    /// RFC 5929 §4.1: the hash of the signature; SHA-256 in place of MD5 and SHA-1.
    #[test]
    fn the_hash_is_the_one_that_the_signature_uses() {
        let identifier = |prefix: &[u8], last: &[u8]| der(OBJECT_IDENTIFIER, &[prefix, last]);
        let pss = |hash: &[u8]| {
            let hash = der(CONTEXT_0, &[&der(SEQUENCE, &[hash, &[5, 0]])]);
            certificate(&[
                &identifier(&RSA, &[10]),
                &der(SEQUENCE, &[&hash, &der(0xa2, &[&[2, 1, 32]])]),
            ])
        };
        let null: &[u8] = &[5, 0];
        for (certificate, hash) in [
            (certificate(&[&identifier(&RSA, &[4]), null]), Some(Hash::Sha256)),
            (certificate(&[&identifier(&RSA, &[5]), null]), Some(Hash::Sha256)),
            (certificate(&[&identifier(&RSA, &[11]), null]), Some(Hash::Sha256)),
            (certificate(&[&identifier(&RSA, &[12]), null]), Some(Hash::Sha384)),
            (certificate(&[&identifier(&RSA, &[13]), null]), Some(Hash::Sha512)),
            (certificate(&[&identifier(&RSA, &[14]), null]), Some(Hash::Sha224)),
            (certificate(&[&identifier(&RSA, &[15]), null]), None),
            (certificate(&[&identifier(&ECDSA, &[1])]), Some(Hash::Sha256)),
            (certificate(&[&identifier(&ECDSA, &[3, 1])]), Some(Hash::Sha224)),
            (certificate(&[&identifier(&ECDSA, &[3, 2])]), Some(Hash::Sha256)),
            (certificate(&[&identifier(&ECDSA, &[3, 3])]), Some(Hash::Sha384)),
            (certificate(&[&identifier(&ECDSA, &[3, 4])]), Some(Hash::Sha512)),
            (pss(&identifier(&[0x2b, 0x0e, 0x03, 0x02], &[0x1a])), Some(Hash::Sha256)),
            (pss(&identifier(&SHA_2, &[1])), Some(Hash::Sha256)),
            (pss(&identifier(&SHA_2, &[2])), Some(Hash::Sha384)),
            (pss(&identifier(&SHA_2, &[3])), Some(Hash::Sha512)),
            (pss(&identifier(&SHA_2, &[4])), Some(Hash::Sha224)),
            (pss(&identifier(&SHA_2, &[9])), None),
            (certificate(&[&identifier(&RSA, &[10]), &der(SEQUENCE, &[])]), Some(Hash::Sha256)),
            // 1.3.101.112: Ed25519 has no single hash function.
            (certificate(&[&identifier(&[0x2b, 0x65], &[0x70])]), None),
        ] {
            assert_eq!(signature_hash(&certificate), hash, "{certificate:02x?}");
        }
    }

    #[test]
    fn what_is_cut_off_anywhere_is_no_certificate() {
        let whole = certificate(&[&der(OBJECT_IDENTIFIER, &[&RSA, &[12]]), &[5, 0]]);
        for len in 0..whole.len() {
            assert_eq!(signature_hash(&whole[..len]), None, "{len}");
        }
        for lengths in
            [&[0x30, 0x80, 0, 0][..], &[0x30, 0x85, 0, 0, 0, 0, 0], &[0x30, 0xff], &[0x30]]
        {
            assert_eq!(server_end_point(lengths), None);
        }
    }
}
