//! Where keys and values of a table stand.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Place;
use super::source::Source;

/// Places by the path of keys that leads to them; items of a list are called by their index. What a table's name stands for
/// is its key, what a value's name stands for is the value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    place: Option<Place>,
    inner: BTreeMap<String, Places>,
}

impl Places {
    /// The place of `path`, or of the nearest table around it that has one.
    #[must_use]
    pub fn get<'key>(&self, path: impl IntoIterator<Item = &'key str>) -> Option<&Place> {
        let (mut at, mut nearest) = (self, self.place.as_ref());
        for key in path {
            let Some(inner) = at.inner.get(key) else { break };
            at = inner;
            nearest = at.place.as_ref().or(nearest);
        }
        nearest
    }

    /// What is known of what lies in `key`.
    #[must_use]
    pub fn below(&self, key: &str) -> Option<&Self> {
        self.inner.get(key)
    }

    /// Of a whole file. TOML's parser bounds its depth.
    pub(super) fn of_table(table: &DeTable<'_>, source: &Source) -> Self {
        let inner = table.iter().map(|(key, value)| {
            let mut places = Self::of_value(value, source);
            if matches!(value.get_ref(), DeValue::Table(_)) {
                places.place = Some(source.place(key.span()));
            }
            (key.get_ref().to_string(), places)
        });
        Self { place: None, inner: inner.collect() }
    }

    fn of_value(value: &Spanned<DeValue<'_>>, source: &Source) -> Self {
        let inner = match value.get_ref() {
            DeValue::Table(table) => Self::of_table(table, source).inner,
            DeValue::Array(values) => {
                let item = |(index, value): (usize, &_)| (index.to_string(), Self::of_value(value, source));
                values.iter().enumerate().map(item).collect()
            }
            _ => BTreeMap::new(),
        };
        Self { place: Some(source.place(value.span())), inner }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Place, Sources, parse};

    #[test]
    fn a_home_knows_its_lines() {
        let home = "packages = [\"git\",\n  \"jq\"]\n[programs.git]\nenable = true\nsettings.user.name = \"A\"\n";
        let system = "channel = \"c\"\n[channels.c]\nindex = \"./i\"\n[image]\nname = \"x\"\n".to_owned();
        let users = "[alice]\nuid = 1000\n[alice.home.programs.git]\nenable = false\n".to_owned();
        let loaded = parse(&Sources { system: Some(system), users: Some(users), home: Some(home.to_owned()) });
        let machine = loaded.machine.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let line = |path: &[&str]| machine.home.places.get(path.iter().copied()).map(Place::line_column);
        assert_eq!(line(&["packages", "1"]), Some((2, 3)));
        assert_eq!(line(&["programs", "git"]), Some((3, 11)));
        assert_eq!(line(&["programs", "git", "settings", "user", "name"]), Some((5, 22)));
        assert_eq!(line(&["programs", "git", "enable", "more"]), Some((4, 10)));
        let own = &machine.users["alice"].home.places;
        assert_eq!(own.get(["programs", "git", "enable"]).map(Place::line_column), Some((4, 10)));
    }
}
