//! Packages by words.

use crate::config::Names;

use super::super::error::Error;
use super::super::meta::About;
use super::super::name::compare_versions;
use super::{Known, Texts, rank};

/// A package that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The channel that has it.
    pub channel: String,
    /// What a request calls it.
    pub attribute: String,
    /// Its version, where known.
    pub version: Option<String>,
    /// A line.
    pub description: Option<String>,
    /// Why no official cache has it.
    pub hindrance: Option<String>,
    /// Bytes that it takes with all that it needs, where it is locked; of a Debian package, itself.
    pub size: Option<u64>,
}

/// With how well it fits.
type Ranked = (u32, Offered);

impl Known<'_> {
    /// Packages of `channels` whose attribute, name or description has all of `words`, in any case; the best first, `limit` at
    /// most. A channel that can't be asked is warned about, as long as another one can.
    pub fn search(&self, channels: &[&str], words: &[String], limit: usize) -> Result<Vec<Offered>, Error> {
        let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let (mut found, mut faults, mut answers) = (Vec::new(), Vec::new(), 0);
        for channel in channels {
            match self.search_in(channel, &words, limit) {
                Ok(offered) => {
                    answers += 1;
                    found.extend(offered);
                }
                Err(fault) => faults.push((*channel, fault)),
            }
        }
        for (channel, fault) in faults {
            if answers == 0 {
                return Err(fault);
            }
            self.progress.warn(&format!("channel {channel} is left out: {fault}"));
        }
        // Stable: of equally good ones, those of the default channel come first, in their channel's order.
        found.sort_by_key(|(rank, _)| *rank);
        found.truncate(limit);
        Ok(found.into_iter().map(|(_, offered)| offered).collect())
    }

    fn search_in(&self, channel: &str, words: &[String], limit: usize) -> Result<Vec<Ranked>, Error> {
        match self.machine.channels.get(channel).map(|found| &found.names) {
            Some(Names::NixosRelease { .. }) => self.search_release(channel, words, limit),
            Some(Names::Index { .. }) => self.search_index(channel, words, limit),
            Some(Names::Debian(_)) => self.search_archive(channel, words, limit),
            Some(Names::Jobs { .. } | Names::None) | None => Ok(Vec::new()),
        }
    }

    fn search_release(&self, channel: &str, words: &[String], limit: usize) -> Result<Vec<Ranked>, Error> {
        let (_, catalog) = self.release(channel)?;
        let offered = catalog.search(words, limit)?.into_iter().filter_map(|entry| {
            let texts = Texts {
                attribute: &entry.attribute,
                name: &entry.pname,
                program: entry.program.as_deref().unwrap_or_default(),
                description: entry.description.as_deref().unwrap_or_default(),
            };
            let rank = rank(words, texts)?;
            let offered = Offered {
                channel: channel.to_owned(),
                size: self.size_of(channel, &entry.attribute),
                attribute: entry.attribute,
                version: Some(entry.version).filter(|version| !version.is_empty()),
                description: entry.description,
                hindrance: entry.hindrance.map(|hindrance| hindrance.to_string()),
            };
            Some((rank, offered))
        });
        Ok(offered.collect())
    }

    fn search_index(&self, channel: &str, words: &[String], limit: usize) -> Result<Vec<Ranked>, Error> {
        let index = self.sources.index(channel, self.progress)?;
        let offered = index.packages(self.system).filter_map(|(attribute, package)| {
            let attribute = attribute.to_string();
            let about = package.about();
            let told = |field: fn(&About) -> &Option<String>| {
                about.and_then(|about| field(about).as_deref()).unwrap_or_default()
            };
            let texts = Texts {
                attribute: &attribute,
                name: &package.name,
                program: told(|about| &about.program),
                description: told(|about| &about.description),
            };
            let rank = rank(words, texts)?;
            let size = self.size_of(channel, &attribute);
            let version = package.version.clone();
            let description = about.and_then(|about| about.description.clone());
            let channel = channel.to_owned();
            Some((rank, Offered { channel, attribute, version, description, hindrance: None, size }))
        });
        Ok(best(offered.collect(), limit))
    }

    fn search_archive(&self, channel: &str, words: &[String], limit: usize) -> Result<Vec<Ranked>, Error> {
        let listed = self.sources.listed(channel, self.system, self.progress)?;
        let offered = listed.into_iter().filter_map(|package| {
            let description = package.description.as_deref().unwrap_or_default();
            let texts = Texts { attribute: &package.name, description, ..Texts::default() };
            // Names of Debian's packages may have dots, and lie in no set for that.
            let rank = rank(words, texts)? % 8;
            let offered = Offered {
                channel: channel.to_owned(),
                attribute: package.name,
                version: Some(package.version),
                description: package.description,
                hindrance: None,
                size: Some(package.installed_size),
            };
            Some((rank, offered))
        });
        Ok(best(offered.collect(), limit))
    }

    /// What a package takes with all that it needs, where the lock answers for it.
    fn size_of(&self, channel: &str, attribute: &str) -> Option<u64> {
        let mut locked = self.locked(channel, attribute);
        let (_, answer) = locked.find(|(_, answer)| answer.origin.is_none())?;
        self.locked_size(answer.outputs.iter().map(|(_, path)| path.clone()))
    }
}

/// The best of them, the newest version first.
fn best(mut offered: Vec<Ranked>, limit: usize) -> Vec<Ranked> {
    let version = |one: &Offered| one.version.clone().unwrap_or_default();
    offered.sort_by(|(one, first), (other, second)| {
        let shorter = first.attribute.len().cmp(&second.attribute.len());
        let name = || first.attribute.cmp(&second.attribute);
        let newer = || compare_versions(&version(second), &version(first));
        one.cmp(other).then(shorter).then_with(name).then_with(newer)
    });
    offered.truncate(limit);
    offered
}
