//! The plan's channels, as the rooms that ask channels know them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::boot::{BootPlan, PlanChannel};
use crate::config::{Boot, Channel, Home, ImageSettings, LogSettings, Machine, Names, Persist, System};
use crate::nix::Sha256;

/// A machine with the plan's channels and nothing else. Paths of caches and indexes are absolute.
///
/// Its default channel is the plan's.
#[must_use]
pub fn plan_machine(plan: &BootPlan) -> Machine {
    let channels = plan.channels.iter().filter(|(_, channel)| !channel.debian);
    Machine {
        project: PathBuf::from("/"),
        default_channel: plan.default_channel.clone(),
        packages: Vec::new(),
        channels: channels.map(|(name, channel)| (name.clone(), plan_channel(channel))).collect(),
        image: ImageSettings {
            name: plan.hostname.clone(),
            tag: "latest".to_owned(),
            systems: System::from_name(&plan.system).into_iter().collect(),
            layers: 1,
            from: None,
            registry: None,
            env: BTreeMap::new(),
            labels: BTreeMap::new(),
            sbom: None,
        },
        hostname: plan.hostname.clone(),
        timezone: "UTC".to_owned(),
        locale: "C.UTF-8".to_owned(),
        path: plan.path.clone(),
        entrypoint: None,
        daemons: BTreeMap::new(),
        files: Vec::new(),
        groups: BTreeMap::new(),
        persist: Persist { volume: plan.volume.clone(), paths: Vec::new(), store_limit: None },
        nix: None,
        boot: Boot { enable: true, user_rebuild: plan.user_rebuild },
        logs: LogSettings::default(),
        users: BTreeMap::new(),
        home: Home::default(),
    }
}

fn plan_channel(channel: &PlanChannel) -> Channel {
    // A hash that can't be read holds for nothing: what it should pin is refused then.
    let hash = || channel.index_hash.as_ref().map(|hash| hash.parse().unwrap_or_else(|_| Sha256::from_bytes([0; 32])));
    let names = match (&channel.index, &channel.release) {
        (Some(location), _) => Names::Index { location: location.clone(), hash: hash() },
        (None, Some(release)) => Names::Jobs { release: release.name.clone(), evaluation: release.evaluation },
        (None, None) => Names::None,
    };
    Channel {
        names,
        caches: channel.caches.clone(),
        keys: channel.keys.clone(),
        allow_unsigned: channel.allow_unsigned,
        place: None,
    }
}
