//! Measures every image on one device.

use anyhow::{Context as _, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use parity::{ClientError, Counts, Device, Lab, Scale, most_memory};
use prenda::{Model, Record};

use super::row::{DeviceInfo, ImageRow, Row};

/// Measures `records` on `device`; with `each`, the row also has every image.
///
/// # Errors
///
/// Returns an error if the device does not start, its counter is off, or it does not answer.
pub fn measure(
    device: Device,
    lab: &Lab,
    model: &Model<'_>,
    records: &[Record<'_>],
    each: bool,
) -> anyhow::Result<Row> {
    let board = device.board().with_context(|| format!("{} has no counter; measure a board", device.name()))?;
    let instruction_shift = device.instruction_shift();
    let lab = Lab { instruction_shift, ..lab.clone() };
    device.availability(&lab)?;
    let mut session = device.start(&lab, model.bytes())?;
    let style = ProgressStyle::with_template("{prefix:12} {wide_bar} {pos}/{len} images, {per_sec}, {eta} left")?;
    let bar = ProgressBar::new(records.len() as u64).with_style(style).with_prefix(device.name());
    let measured = (|| {
        let client = &mut session.client;
        let introduction = client.hello_with(model.id())?;
        let scale = Scale::calibrate(client, instruction_shift)?;
        let mut counts: Vec<Counts> = Vec::with_capacity(records.len());
        for record in records {
            counts.push(scale.counts(&client.measure(record.pixels)?));
            bar.inc(1);
        }
        anyhow::Ok((introduction, scale, counts))
    })();
    bar.finish_and_clear();
    let (introduction, scale, counts) = measured.map_err(|error| {
        let is_of_the_link = matches!(
            error.downcast_ref::<ClientError>(),
            Some(ClientError::Silent | ClientError::Gone | ClientError::Stream(_))
        );
        let post_mortem = if is_of_the_link { session.post_mortem() } else { String::new() };
        error.context(format!("{} failed{post_mortem}", device.name()))
    })?;
    ensure!(introduction.board == board.name, "{} reports that it is {}", device.name(), introduction.board);
    drop(session); // a probe allows one session at a time
    let memory = most_memory(device, &lab, model.bytes())
        .with_context(|| format!("cannot measure the memory of {}", device.name()))?;
    let info = DeviceInfo {
        device: device.name(),
        board: introduction.board,
        core: introduction.core,
        unit: scale.unit,
        hertz: scale.hertz,
        workspace_bytes: scale.workspace_bytes,
        memory,
    };
    let mut row = Row::new(info, model, &counts, &lab.firmware.join(format!("{}.elf", board.name)))?;
    if each {
        let image = |(record, counts): (&Record<'_>, &Counts)| ImageRow {
            zero_share: record.pixels.iter().filter(|pixel| **pixel == 0).count() as f64
                / record.pixels.len().max(1) as f64,
            count: counts.total,
        };
        row.each = records.iter().zip(&counts).map(image).collect();
    }
    Ok(row)
}
