//! Combines the networks of several models: a network that is not certain defers to the next.

use std::ops::RangeInclusive;

use prenda::{InferError, MAX_NETWORKS, Model, ModelSource, NetworkSource, Provenance, Shape};
use thiserror::Error;

use super::evaluate::for_each_image;
use super::export::{ExportError, Exported, finish};
use super::owned::OwnedLayer;
use crate::data::{Dataset, Split};

/// Networks of a cascade.
pub const NETWORKS: RangeInclusive<usize> = 2..=MAX_NETWORKS;

/// Begins the backend in the provenance of a cascade; the ids of its networks' models follow.
pub const BACKEND: &str = "cascade of ";

/// A model whose network becomes a part of a cascade.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its name in errors.
    pub name: &'a str,
    pub view: &'a Model<'a>,
}

/// Why models cannot form a cascade.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CascadeError {
    #[error("{name} is a cascade of {found} networks, expected one network; name the models that it was made of")]
    Nested { name: String, found: usize },
    #[error("{name} is the same model as {first}, expected another network; name each model once")]
    Same { name: String, first: String },
    #[error(
        "{name}: found images of {}, expected {} as in {first}; train the networks on the same images",
        sizes(*found),
        sizes(*expected)
    )]
    Image { name: String, first: String, found: Shape, expected: Shape },
    #[error("{name}: found {found} classes, expected {expected} as in {first}; train the networks on the same classes")]
    ClassCount { name: String, first: String, found: usize, expected: usize },
    #[error(
        "{name}: found class {class} named {found:?}, expected {expected:?} as in {first}; train with the same names"
    )]
    ClassName { name: String, first: String, class: usize, found: String, expected: String },
    #[error("{name}: found another scaling of rows than in {first}; train both on the same rows")]
    Features { name: String, first: String },
}

fn sizes(Shape { rows, columns, channels }: Shape) -> String {
    format!("{rows} x {columns} pixels with {channels} channels")
}

/// Returns the share to defer of each of `networks` networks but the last, given one for all of
/// them or one for each. Returns the shares found and expected otherwise.
pub fn shares(defer: &[f64], networks: usize) -> Result<Vec<f64>, String> {
    let expected = networks.saturating_sub(1);
    match defer {
        [share] => Ok(vec![*share; expected]),
        shares if shares.len() == expected => Ok(shares.to_vec()),
        shares => Err(format!(
            "found {} shares, expected one for all networks, or {expected}: one for each but the last",
            shares.len()
        )),
    }
}

/// Checks that each of `members` is another model with one network, and that all have the images,
/// classes and features of the first.
pub fn check(members: &[Member<'_>]) -> Result<(), CascadeError> {
    let Some(first) = members.first() else { return Ok(()) };
    for (index, member) in members.iter().enumerate() {
        let (name, view) = (member.name.to_owned(), member.view);
        if view.networks().len() != 1 {
            return Err(CascadeError::Nested { name, found: view.networks().len() });
        }
        if let Some(same) = members.iter().take(index).find(|earlier| earlier.view.id() == view.id()) {
            return Err(CascadeError::Same { name, first: same.name.to_owned() });
        }
        let (found, expected) = (view.image(), first.view.image());
        let first_name = || first.name.to_owned();
        if found != expected {
            return Err(CascadeError::Image { name, first: first_name(), found, expected });
        }
        let (found, expected) = (view.classes(), first.view.classes());
        if found != expected {
            return Err(CascadeError::ClassCount { name, first: first_name(), found, expected });
        }
        let mut names = view.class_names().zip(first.view.class_names()).enumerate();
        if let Some((class, (found, expected))) = names.find(|(_, (found, expected))| found != expected) {
            let [found, expected] = [found, expected].map(str::to_owned);
            return Err(CascadeError::ClassName { name, first: first_name(), class, found, expected });
        }
        if !view.features().eq(first.view.features()) {
            return Err(CascadeError::Features { name, first: first_name() });
        }
    }
    Ok(())
}

/// Chooses the margin of each of `members` but the last: about `shares` of the images of `split`
/// that reach a network go on to the next.
///
/// # Errors
///
/// Returns an error if the images do not fit the models.
pub fn margins(members: &[Member<'_>], shares: &[f64], split: &Split) -> Result<Vec<i32>, InferError> {
    let mut reached = vec![true; split.len()];
    let mut margins = Vec::new();
    for (member, &share) in members.iter().zip(shares) {
        let leads = leads(member.view, split)?;
        let mut seen: Vec<u32> =
            leads.iter().zip(&reached).filter(|(_, reached)| **reached).map(|(lead, _)| *lead).collect();
        seen.sort_unstable();
        let margin = margin(&seen, share);
        for (reached, lead) in reached.iter_mut().zip(&leads) {
            *reached &= *lead < margin.unsigned_abs();
        }
        margins.push(margin);
    }
    Ok(margins)
}

/// Returns [`Prediction::lead`](prenda::Prediction::lead) for each image.
fn leads(view: &Model<'_>, split: &Split) -> Result<Vec<u32>, InferError> {
    let parts = for_each_image(view, split, |_, prediction, leads: &mut Vec<u32>| leads.push(prediction.lead()))?;
    Ok(parts.concat())
}

/// Returns the margin, 1 or more, that defers the share of `leads` nearest to `share`: those below
/// it. `leads` ascend. A share of 0 gives the smallest margin, a share of 1 the largest.
fn margin(leads: &[u32], share: f64) -> i32 {
    let wanted = (share * leads.len() as f64).round() as usize;
    if wanted == leads.len() {
        return if leads.is_empty() { 1 } else { i32::MAX };
    }
    let at = |index: usize| leads.get(index).copied();
    let below = |margin: u32| leads.partition_point(|lead| *lead < margin).abs_diff(wanted);
    // At the first lead that is not deferred, or just above the last one that is.
    let candidates =
        [at(wanted).filter(|_| wanted > 0), wanted.checked_sub(1).and_then(at).map(|lead| lead.saturating_add(1))];
    let candidates = candidates.into_iter().flatten().map(|margin| margin.clamp(1, i32::MAX.unsigned_abs()));
    candidates.min_by_key(|&margin| below(margin)).unwrap_or(1).cast_signed()
}

/// Combines the networks of `members` with their `margins` in one model, and evaluates it over the
/// test images of `data`.
///
/// # Errors
///
/// Returns an error if the model breaks a rule of the format, for example if it has too many
/// layers.
pub fn combine(members: &[Member<'_>], margins: &[i32], data: &Dataset) -> Result<Exported, ExportError> {
    let layers: Vec<Vec<OwnedLayer>> =
        members.iter().map(|member| member.view.layers().iter().map(OwnedLayer::of).collect()).collect();
    let sources: Vec<Vec<_>> = layers.iter().map(|layers| layers.iter().map(OwnedLayer::source).collect()).collect();
    let margins = margins.iter().copied().map(Some).chain([None]);
    let networks: Vec<_> =
        sources.iter().zip(margins).map(|(layers, margin)| NetworkSource { layers, margin }).collect();
    let class_names: Vec<_> = members.first().into_iter().flat_map(|first| first.view.class_names()).collect();
    let ids: Vec<_> = members.iter().map(|member| member.view.id().to_string()).collect();
    let features: Vec<_> = members.first().into_iter().flat_map(|first| first.view.features()).collect();
    let source = ModelSource {
        class_names: &class_names,
        image: members.first().map(|first| first.view.image()).unwrap_or_default(),
        features: &features,
        networks: &networks,
        golden: &[],
        provenance: Provenance {
            trainer: concat!("host-trainer ", env!("CARGO_PKG_VERSION")),
            backend: &format!("{BACKEND}{}", ids.join(", ")),
            data_sha256: data.train_hash,
            test_images: data.test.len() as u32,
            ..Provenance::default()
        },
    };
    finish(&source, &data.test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_defers_the_share_that_is_nearest() {
        let leads = [0, 10, 20, 20, 30, 40, 50, 60, 70, 80];
        let deferred = |share| {
            let margin = margin(&leads, share).unsigned_abs();
            leads.iter().filter(|lead| **lead < margin).count()
        };
        assert_eq!([0.1, 0.2, 0.4, 0.5, 0.9, 1.0].map(deferred), [1, 2, 4, 5, 9, 10]);
        // Equal leads are deferred together; a margin of 0 is impossible.
        assert!(matches!(deferred(0.3), 2 | 4));
        assert_eq!(deferred(0.0), 1);
        // All images are deferred, also those with other leads.
        assert_eq!((margin(&leads, 1.0), margin(&[5, 6], 0.1), margin(&[], 1.0)), (i32::MAX, 1, 1));
    }
}
