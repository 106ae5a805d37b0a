//! Formulas of conversions: what clients evaluate to show a value in another unit (server-admin-api §13).
//!
//! Clients hand these texts to a formula library, or to JavaScript itself, so nothing but arithmetic gets through here.

/// The name of what is converted.
const VALUE: &str = "value";
/// Longest formula, in bytes.
const MAX_LENGTH: usize = 200;
/// Deepest nesting.
const MAX_DEPTH: usize = 16;

type Function = (&'static str, fn(f64) -> f64);

/// Functions of one argument that clients know.
const FUNCTIONS: [Function; 10] = [
    ("abs", f64::abs),
    ("ceil", f64::ceil),
    ("cbrt", f64::cbrt),
    ("exp", f64::exp),
    ("floor", f64::floor),
    ("log", f64::ln),
    ("log10", f64::log10),
    ("log2", f64::log2),
    ("round", f64::round),
    ("sqrt", f64::sqrt),
];
/// Functions of clients that make a text of a number of seconds.
const TEXTS: [&str; 7] = [
    "formatDurationDHMS",
    "formatDurationHMS",
    "formatDurationHMSMillis",
    "formatDurationMS",
    "formatDurationMSMillis",
    "formatDurationVerbose",
    "formatDurationCompact",
];

/// Why a formula is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormulaError {
    /// It has too many characters.
    #[error("it has more than {MAX_LENGTH} characters")]
    TooLong,
    /// Too many parentheses or operators in each other.
    #[error("it is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// A name that is neither `value` nor a function.
    #[error("{0} is neither \"value\" nor a function that clients know")]
    Name(String),
    /// Something else than what belongs there.
    #[error("{expected} is expected at character {at}")]
    Expected {
        /// What belongs there.
        expected: &'static str,
        /// Where, counted from 1.
        at: usize,
    },
}

/// Reads a formula such as `value * 9 / 5 - 459.67`, and works it out for a value. One that makes a text is not a number.
///
/// # Errors
/// It is no formula of numbers, `value`, `+ - * / ^`, parentheses and known functions.
pub fn evaluate(formula: &str, value: f64) -> Result<f64, FormulaError> {
    if formula.len() > MAX_LENGTH {
        return Err(FormulaError::TooLong);
    }
    let mut reader = Reader { text: formula, at: 0, value };
    let result = reader.sum(0)?;
    match reader.peek() {
        None => Ok(result),
        Some(_) => Err(reader.expected("an operator or the end")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    value: f64,
}

impl<'a> Reader<'a> {
    fn sum(&mut self, depth: usize) -> Result<f64, FormulaError> {
        let mut sum = self.product(depth)?;
        while let Some(sign) = self.take(&['+', '-']) {
            let right = self.product(depth)?;
            sum = if sign == '+' { sum + right } else { sum - right };
        }
        Ok(sum)
    }

    fn product(&mut self, depth: usize) -> Result<f64, FormulaError> {
        let mut product = self.signed(depth)?;
        while let Some(sign) = self.take(&['*', '/']) {
            let right = self.signed(depth)?;
            product = if sign == '*' { product * right } else { product / right };
        }
        Ok(product)
    }

    /// A sign binds less than a power: -2 ^ 2 is -4.
    fn signed(&mut self, depth: usize) -> Result<f64, FormulaError> {
        if depth > MAX_DEPTH {
            return Err(FormulaError::TooDeep);
        }
        match self.take(&['-', '+']) {
            Some('-') => Ok(-self.signed(depth + 1)?),
            Some(_) => self.signed(depth + 1),
            None => self.power(depth),
        }
    }

    fn power(&mut self, depth: usize) -> Result<f64, FormulaError> {
        let base = self.operand(depth)?;
        match self.take(&['^']) {
            Some(_) => Ok(base.powf(self.signed(depth + 1)?)),
            None => Ok(base),
        }
    }

    fn operand(&mut self, depth: usize) -> Result<f64, FormulaError> {
        match self.peek() {
            Some('(') => self.parentheses(depth),
            Some(digit) if digit.is_ascii_digit() || digit == '.' => self.number(),
            Some(letter) if letter.is_ascii_alphabetic() => {
                let name = self.word(|character| character.is_ascii_alphanumeric() || character == '_');
                if name == VALUE {
                    return Ok(self.value);
                }
                if let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
                    return Ok(function(self.parentheses(depth)?));
                }
                if TEXTS.contains(&name) {
                    return self.parentheses(depth).map(|_| f64::NAN);
                }
                Err(FormulaError::Name(name.to_owned()))
            }
            _ => Err(self.expected("a number, \"value\", a function or \"(\"")),
        }
    }

    fn parentheses(&mut self, depth: usize) -> Result<f64, FormulaError> {
        if self.take(&['(']).is_none() {
            return Err(self.expected("\"(\""));
        }
        let inner = self.sum(depth + 1)?;
        match self.take(&[')']) {
            Some(_) => Ok(inner),
            None => Err(self.expected("an operator or \")\"")),
        }
    }

    /// `12`, `1.5`, `.5`, `1e-7`, and `1_000`, which JavaScript allows.
    fn number(&mut self) -> Result<f64, FormulaError> {
        let start = self.at;
        let mantissa = self.word(|character| character.is_ascii_digit() || matches!(character, '.' | '_'));
        let mut text = mantissa.replace('_', "");
        if let Some(rest) = self.text[self.at..].strip_prefix(['e', 'E']) {
            self.at += 1;
            text.push('e');
            if rest.starts_with(['-', '+']) {
                text.push_str(&rest[..1]);
                self.at += 1;
            }
            text.push_str(self.word(|character| character.is_ascii_digit()));
        }
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or(FormulaError::Expected { expected: "a number", at: start + 1 })
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest.chars().next()
    }

    fn take(&mut self, wanted: &[char]) -> Option<char> {
        let next = self.peek().filter(|next| wanted.contains(next))?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn expected(&self, expected: &'static str) -> FormulaError {
        FormulaError::Expected { expected, at: self.text[..self.at].chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_arithmetic() {
        for (formula, result) in [
            ("value", 4.0),
            ("value * 3600 / 1852", 4.0 * 3600.0 / 1852.0),
            ("value*9/5-459.67", 4.0 * 9.0 / 5.0 - 459.67),
            ("(value + 2) * -3", -18.0),
            ("-value ^ 2", -16.0),
            ("2 ^ 3 ^ 2", 512.0),
            ("2 ^ -value", 0.0625),
            ("value / 1_000_000", 4e-6),
            ("1.5e-3 * value + .5", 0.506),
            ("round(sqrt(value) * 10) / 10", 2.0),
            ("log10(value * 25)", 2.0),
        ] {
            let found = evaluate(formula, 4.0).expect(formula);
            assert!((found - result).abs() < 1e-12, "{formula}: {found}");
        }
        assert!(evaluate("formatDurationHMS(value)", 4.0).expect("a text").is_nan());
    }

    #[test]
    fn whatever_else_a_client_would_run_is_refused() {
        let expected = |expected, at| FormulaError::Expected { expected, at };
        for (formula, error) in [
            ("", expected("a number, \"value\", a function or \"(\"", 1)),
            ("value *", expected("a number, \"value\", a function or \"(\"", 8)),
            ("value value", expected("an operator or the end", 7)),
            ("(value", expected("an operator or \")\"", 7)),
            ("sqrt value", expected("\"(\"", 6)),
            ("1.2.3", expected("a number", 1)),
            ("1e", expected("a number", 1)),
            ("value; alert(1)", expected("an operator or the end", 6)),
            ("value.constructor", expected("an operator or the end", 6)),
            ("fetch('x')", FormulaError::Name("fetch".to_owned())),
            ("x * 2", FormulaError::Name("x".to_owned())),
            (&format!("value{}", " + 1".repeat(100)), FormulaError::TooLong),
            (&format!("{}value{}", "(".repeat(30), ")".repeat(30)), FormulaError::TooDeep),
            (&"-".repeat(100), FormulaError::TooDeep),
            ("värde", FormulaError::Name("v".to_owned())),
        ] {
            assert_eq!(evaluate(formula, 1.0), Err(error), "{formula}");
        }
    }
}
