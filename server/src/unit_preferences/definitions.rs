//! Units: into which others the values of a base unit can be converted, and how (server-admin-api §13).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::formula;
use super::{Result, UnitPreferencesError, check_name};

/// Most base units that are added, and most conversions of each.
const MAX_UNITS: usize = 100;
/// Longest name and symbol, in characters.
const MAX_TEXT: usize = 64;

/// All units by base unit.
pub type Definitions = BTreeMap<String, Unit>;

/// What the values of a base unit can be shown as.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unit {
    /// The name of the base unit in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_name: Option<String>,
    /// The units that it can be converted into, by their keys.
    #[serde(default)]
    pub conversions: BTreeMap<String, Conversion>,
}

/// How a value is converted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    /// What makes the shown number of the value, such as `value * 3.6`.
    pub formula: String,
    /// The way back.
    pub inverse_formula: String,
    /// What is written behind the number.
    pub symbol: String,
    /// The name in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_name: Option<String>,
    /// The key in plain letters, for those who can't use the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A conversion as it is in the table: the shown number is value · factor / divisor + offset, unless there is a formula.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Listed {
    factor: Option<f64>,
    divisor: Option<f64>,
    offset: Option<f64>,
    formula: Option<String>,
    inverse_formula: Option<String>,
    symbol: String,
    long_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListedUnit {
    long_name: String,
    conversions: BTreeMap<String, Listed>,
}

static BUILT_IN: LazyLock<Definitions> = LazyLock::new(|| {
    let listed: BTreeMap<String, ListedUnit> = serde_json::from_str(include_str!("data/units.json"))
        .expect("the table is part of the program, and a test reads it");
    listed.into_iter().map(|(base, unit)| (base, unit.into())).collect()
});

/// The units that the server knows by itself.
pub fn built_in() -> &'static Definitions {
    &BUILT_IN
}

/// The units of the server with those that were added; of two conversions with the same key the added one counts.
pub fn merged(custom: &Definitions) -> Definitions {
    let mut all = built_in().clone();
    for (base, added) in custom {
        let unit = all.entry(base.clone()).or_default();
        unit.conversions.extend(added.conversions.clone());
        if added.long_name.is_some() {
            unit.long_name.clone_from(&added.long_name);
        }
    }
    all
}

/// Reads units that somebody wants to add: `{"<base unit>": {"longName"?, "conversions": {"<unit>": {formula, inverseFormula, symbol,
/// longName?, key?}}}}`.
///
/// # Errors
/// Something in it makes no sense; the words say what.
pub fn read_custom(body: Value) -> Result<Definitions> {
    let Value::Object(units) = body else {
        return Err(invalid("the definitions are an object of base units".to_owned()));
    };
    check_count("definitions", units.len())?;
    let mut definitions = Definitions::new();
    for (base, unit) in units {
        check_name("a base unit", &base)?;
        let Value::Object(mut unit) = unit else {
            return Err(invalid(format!("{base}: an object with \"conversions\" is expected")));
        };
        let long_name = match unit.remove("longName") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) if name.chars().count() <= MAX_TEXT => Some(name),
            Some(_) => {
                return Err(invalid(format!("{base}: longName must be a text of at most {MAX_TEXT} characters")));
            }
        };
        let listed = match unit.remove("conversions") {
            None | Some(Value::Null) => serde_json::Map::new(),
            Some(Value::Object(listed)) => listed,
            Some(_) => return Err(invalid(format!("{base}: conversions must be an object of units"))),
        };
        check_count(&base, listed.len())?;
        let mut conversions = BTreeMap::new();
        for (target, conversion) in listed {
            check_name("a unit", &target)?;
            let at = format!("{base} to {target}");
            let conversion: Conversion =
                serde_json::from_value(conversion).map_err(|error| invalid(format!("{at}: {error}")))?;
            conversion.check(&at)?;
            conversions.insert(target, conversion);
        }
        definitions.insert(base, Unit { long_name, conversions });
    }
    Ok(definitions)
}

impl Conversion {
    fn check(&self, at: &str) -> Result<()> {
        for (name, text) in [("formula", &self.formula), ("inverseFormula", &self.inverse_formula)] {
            formula::evaluate(text, 1.0).map_err(|error| invalid(format!("{at}: {name} can't be used: {error}")))?;
        }
        let names = [Some(&self.symbol), self.long_name.as_ref(), self.key.as_ref()];
        if names.into_iter().flatten().any(|name| name.chars().count() > MAX_TEXT) {
            return Err(invalid(format!("{at}: a name or symbol has more than {MAX_TEXT} characters")));
        }
        Ok(())
    }
}

impl From<ListedUnit> for Unit {
    fn from(unit: ListedUnit) -> Self {
        let conversions = unit.conversions.into_iter().map(|(target, listed)| (target, listed.into())).collect();
        Self { long_name: Some(unit.long_name), conversions }
    }
}

impl From<Listed> for Conversion {
    fn from(listed: Listed) -> Self {
        let Listed { factor, divisor, offset, formula, inverse_formula, symbol, long_name } = listed;
        let scaled = |value: &str, times: Option<f64>, by: Option<f64>| {
            let times = times.map(|factor| format!(" * {factor}")).unwrap_or_default();
            let by = by.map(|divisor| format!(" / {divisor}")).unwrap_or_default();
            format!("{value}{times}{by}")
        };
        let moved = |text: String, offset: f64| {
            if offset < 0.0 { format!("{text} - {}", -offset) } else { format!("{text} + {offset}") }
        };
        let way = offset.into_iter().fold(scaled("value", factor, divisor), moved);
        let back = match offset.map(|offset| moved("value".to_owned(), -offset)) {
            Some(back) if factor.is_some() || divisor.is_some() => scaled(&format!("({back})"), divisor, factor),
            Some(back) => back,
            None => scaled("value", divisor, factor),
        };
        Self {
            formula: formula.unwrap_or(way),
            inverse_formula: inverse_formula.unwrap_or(back),
            symbol,
            long_name: Some(long_name),
            key: None,
        }
    }
}

fn check_count(of: &str, count: usize) -> Result<()> {
    if count > MAX_UNITS {
        return Err(invalid(format!("{of}: at most {MAX_UNITS} are kept")));
    }
    Ok(())
}

fn invalid(reason: String) -> UnitPreferencesError {
    UnitPreferencesError::Invalid(reason)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conversions_lead_there_and_back() {
        for (base, unit) in built_in() {
            assert!(unit.conversions.contains_key(base), "{base} can be shown as it is");
            for (target, conversion) in &unit.conversions {
                for value in [0.001, 1.0, 273.15, 101_325.0] {
                    let shown = formula::evaluate(&conversion.formula, value).expect("a formula");
                    let back = formula::evaluate(&conversion.inverse_formula, shown).expect("a formula");
                    assert!((back - value).abs() <= value * 1e-9, "{base} to {target}: {value} → {shown} → {back}");
                }
            }
        }
    }

    #[test]
    fn known_values_are_shown_as_sailors_know_them() {
        for (base, value, target, expected) in [
            ("m/s", 1852.0 / 3600.0, "kn", 1.0),
            ("m/s", 10.0, "km/h", 36.0),
            ("m/s", 0.44704, "mph", 1.0),
            ("m/s", 8.73, "Bf", 4.78),
            ("K", 273.15, "C", 0.0),
            ("K", 310.15, "F", 98.6),
            ("Pa", 101_325.0, "hPa", 1013.25),
            ("Pa", 101_325.0, "inHg", 29.92),
            ("Pa", 101_325.0, "mmHg", 760.0),
            ("Pa", 101_325.0, "psi", 14.70),
            ("m", 1852.0, "naut-mile", 1.0),
            ("m", 1.8288, "fathom", 1.0),
            ("m", 3.048, "foot", 10.0),
            ("rad", std::f64::consts::PI, "degree", 180.0),
            ("rad/s", std::f64::consts::PI / 180.0, "deg/min", 60.0),
            ("m3", 0.1, "gallon", 26.42),
            ("m3", 0.1, "gallon-imp", 22.0),
            ("m3/s", 1.0 / 3.6e6, "L/h", 1.0),
            ("Hz", 30.0, "rpm", 1800.0),
            ("C", 360_000.0, "Ah", 100.0),
            ("ratio", 0.42, "percent", 42.0),
            ("W", 745.7, "horsepower", 1.0),
            ("kg", 1.0, "pound", 2.205),
        ] {
            let shown = formula::evaluate(&built_in()[base].conversions[target].formula, value).expect("a formula");
            assert!((shown - expected).abs() < 0.006, "{value} {base} is {shown} {target}");
        }
        let kelvin = &built_in()["K"].conversions;
        assert_eq!(kelvin["C"].formula, "value - 273.15");
        assert_eq!(kelvin["C"].inverse_formula, "value + 273.15");
        assert_eq!(kelvin["F"].inverse_formula, "(value + 459.67) * 5 / 9");
        assert_eq!(built_in()["m/s"].conversions["kn"].formula, "value * 3600 / 1852");
        assert_eq!(kelvin["K"].formula, "value");
    }

    #[test]
    fn added_units_are_checked() {
        let good = json!({"MB": {"conversions": {"GB": {"formula": "value / 1000", "inverseFormula": "value * 1000", "symbol": "GB"}}},
            "m": {"conversions": {"foot": {"formula": "value * 3", "inverseFormula": "value / 3", "symbol": "shoe"}}}});
        let custom = read_custom(good.clone()).expect("good definitions");
        assert_eq!(serde_json::to_value(&custom).expect("JSON"), good);
        let all = merged(&custom);
        assert_eq!(all["MB"].conversions["GB"].symbol, "GB");
        assert_eq!(
            (all["m"].conversions["foot"].symbol.as_str(), all["m"].conversions["inch"].symbol.as_str()),
            ("shoe", "in")
        );
        assert_eq!(all["m"].long_name.as_deref(), Some("metres"));
        let conversion = |conversion: Value| json!({"m": {"conversions": {"x": conversion}}});
        for (body, words) in [
            (json!([]), "object of base units"),
            (json!({"m": 7}), "m: an object"),
            (json!({"m": {"conversions": []}}), "conversions must be"),
            (json!({"": {}}), "a base unit"),
            (json!({"m": {"conversions": {"": {}}}}), "a unit"),
            (conversion(json!({"formula": "value", "symbol": "x"})), "m to x: missing field `inverseFormula`"),
            (
                conversion(json!({"formula": "x", "inverseFormula": "value", "symbol": "x"})),
                "m to x: formula can't be used",
            ),
            (
                conversion(json!({"formula": "value", "inverseFormula": "alert(1)", "symbol": "x"})),
                "m to x: inverseFormula can't be used: alert is neither",
            ),
            (
                conversion(json!({"formula": "value", "inverseFormula": "value", "symbol": "x".repeat(65)})),
                "more than 64",
            ),
            ((0..101).map(|n| (format!("u{n}"), json!({}))).collect::<serde_json::Map<_, _>>().into(), "at most 100"),
        ] {
            let error = read_custom(body).expect_err("refused").to_string();
            assert!(error.contains(words), "{words}: {error}");
        }
    }
}
