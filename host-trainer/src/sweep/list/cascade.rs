//! A cascade of a list.

use serde::Deserialize;

use super::network::{ListedMember, ListedNetwork, check_name};
use crate::model::cascade::{NETWORKS, shares};
use crate::support::range::SHARE;

/// A cascade of networks of the list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedCascade {
    /// Name in folders.
    pub name: String,
    /// Name in tables, if it is not the names of its networks.
    title: Option<String>,
    /// Names of runs, without the seed: of networks, or of their rows. In the order in which they
    /// see an image.
    pub networks: Vec<String>,
    defer: Defer,
    /// True to add a row of the class alone, without softmax.
    #[serde(default)]
    pub class_only: bool,
}

/// Share of the images seen that a network defers to the next.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "defer is not a share from 0 to 1, and not a list of shares")]
enum Defer {
    OfAll(f64),
    OfEach(Vec<f64>),
}

impl ListedCascade {
    /// Returns the share of each network but the last.
    pub fn shares(&self) -> Vec<f64> {
        shares(self.defer(), self.networks.len()).unwrap_or_default()
    }

    /// Returns the name in tables: the title, or the layers of each network.
    pub fn title(&self, members: &[ListedMember<'_>], pixels: usize, classes: usize) -> String {
        let layers = || members.iter().map(|member| member.network.layers(pixels, classes)).collect::<Vec<_>>();
        self.title.clone().unwrap_or_else(|| layers().join(", then "))
    }

    /// Returns the networks, or `None` if one of them is not in `networks`.
    pub fn members<'a>(&self, networks: &'a [ListedNetwork]) -> Option<Vec<ListedMember<'a>>> {
        let members = self.networks.iter().map(|name| networks.iter().find_map(|network| network.member(name)));
        members.collect()
    }

    fn defer(&self) -> &[f64] {
        match &self.defer {
            Defer::OfAll(share) => std::slice::from_ref(share),
            Defer::OfEach(shares) => shares,
        }
    }

    /// Checks that the cascade can be made of `networks`, and returns the reason if not.
    pub fn check(&self, networks: &[ListedNetwork]) -> Result<(), String> {
        check_name(&self.name)?;
        let names = &self.networks;
        if !NETWORKS.contains(&names.len()) {
            let (least, most) = (NETWORKS.start(), NETWORKS.end());
            return Err(format!("networks has {} names, expected {least} to {most}", names.len()));
        }
        if let Some((_, name)) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
            return Err(format!("networks names {name} twice; name each network once"));
        }
        if let Some(name) = names.iter().find(|name| !networks.iter().any(|network| network.member(name).is_some())) {
            let known: Vec<_> = networks.iter().flat_map(ListedNetwork::run_names).collect();
            return Err(format!(
                "networks names {name}, which is not in the list; expected some of {}",
                known.join(", ")
            ));
        }
        let members = self.members(networks).unwrap_or_default();
        let held_out = members.iter().map(|member| (member.network.name.as_str(), member.network.held_out(1)));
        let held_out: Vec<_> = held_out.collect();
        if let Some((name, _)) = held_out.iter().find(|(_, held_out)| held_out.count == 0) {
            return Err(format!("network {name} holds out no images to choose a margin on; give it validation"));
        }
        if let Some((name, _)) = held_out.iter().find(|(_, one)| one.order != held_out[0].1.order) {
            let first = held_out[0].0;
            return Err(format!(
                "networks {first} and {name} hold out different images; give both one validation_order"
            ));
        }
        if let Some(share) = self.defer().iter().find(|share| !SHARE.contains(**share)) {
            return Err(format!("defer is {share}, expected 0 to 1"));
        }
        shares(self.defer(), names.len()).map(drop).map_err(|reason| format!("defer: {reason}"))
    }
}
