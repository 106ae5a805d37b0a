//! The one-time code with which the owner claims a new server.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::error::SecurityError;
use crate::token::random;

/// 32 digits and letters of which none looks like another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 16;
const GROUP: usize = 4;

/// 80 random bits, as four groups of four characters. For the console only.
pub(crate) struct ClaimCode([u8; LENGTH]);

impl ClaimCode {
    pub fn generate() -> Result<Self, SecurityError> {
        Ok(Self(random::<LENGTH>()?.map(|byte| ALPHABET[usize::from(byte % 32)])))
    }

    /// Whether somebody has typed this code. Case, spaces and dashes do not matter, nor does O for 0, or I or L for 1. The time does not
    /// depend on how much of it is right.
    pub fn is(&self, typed: &str) -> bool {
        let mut code = [0; LENGTH];
        let mut length = 0;
        for c in typed.chars().filter(|c| !matches!(c, ' ' | '-')) {
            if length == LENGTH || !c.is_ascii() {
                return false;
            }
            code[length] = match c.to_ascii_uppercase() {
                'O' => b'0',
                'I' | 'L' => b'1',
                c => c as u8,
            };
            length += 1;
        }
        length == LENGTH && bool::from(code.ct_eq(&self.0))
    }

    /// `ABCD-EFGH-JKMN-PQRS`
    pub fn text(&self) -> String {
        let groups: Vec<String> =
            self.0.chunks(GROUP).map(|group| group.iter().map(|byte| char::from(*byte)).collect()).collect();
        groups.join("-")
    }
}

impl fmt::Debug for ClaimCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimCode(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_recognised_as_people_type_it() {
        let code = ClaimCode(*b"01ABCDEFGHJK2345");
        assert_eq!(code.text(), "01AB-CDEF-GHJK-2345");
        for (typed, expected) in [
            ("01AB-CDEF-GHJK-2345", true),
            ("o l ab cdefghjk2345", true),
            ("OIABCDEFGHJK2345", true),
            ("01AB-CDEF-GHJK-2346", false),
            ("01AB-CDEF-GHJK-234", false),
            ("01AB-CDEF-GHJK-23455", false),
            ("", false),
            ("----", false),
            ("01AB-CDEF-GHJK-234５", false),
            ("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", false),
        ] {
            assert_eq!(code.is(typed), expected, "{typed}");
        }
        assert_eq!(format!("{code:?}"), "ClaimCode(hidden)");
    }

    #[test]
    fn each_code_is_another() {
        let (one, other) = (ClaimCode::generate().expect("a code"), ClaimCode::generate().expect("a code"));
        assert_ne!(one.text(), other.text());
        assert!(one.is(&one.text()) && !one.is(&other.text()));
        assert_eq!(one.text().len(), 19);
    }
}
