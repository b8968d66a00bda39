//! Which debug probe: the one that was named, or the only one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use probe_rs::probe::DebugProbeSelector;
use probe_rs::probe::list::Lister;

use crate::device::Lab;

/// The probe for boards on the desk.
pub fn selector(lab: &Lab) -> anyhow::Result<DebugProbeSelector> {
    choose(lab.probe.as_deref(), || Lister::new().list_all().iter().map(DebugProbeSelector::from).collect())
}

/// The probe that was named, or the only one that is connected.
fn choose(
    named: Option<&str>,
    connected: impl FnOnce() -> Vec<DebugProbeSelector>,
) -> anyhow::Result<DebugProbeSelector> {
    if let Some(named) = named {
        let selector = named.parse::<DebugProbeSelector>();
        return selector
            .map_err(|_| anyhow!("{named:?} names no probe; write VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL"));
    }
    match connected().as_slice() {
        [] => bail!("no debug probe is connected, or none that may be opened: `probe-rs list` says more"),
        [probe] => Ok(probe.clone()),
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            bail!("several debug probes are connected; name one by --probe or PROBE_RS_PROBE: {}", names.join(", "))
        }
    }
}

/// Where a probe on the network listens.
pub fn network_address(selector: &DebugProbeSelector) -> Option<SocketAddr> {
    selector.serial_number.as_deref()?.parse().ok()
}

/// Asks a probe on the network for its name, as probe-rs will, which has no time limit and says
/// little of what is wrong.
pub fn greet(address: SocketAddr, patience: Duration) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, patience).with_context(|| {
        format!("no probe listens at {address}; `cargo xtask probe BOARD` starts one in front of an emulated board")
    })?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut answer = [0; 2];
    let greeted = stream.write_all(b"+#!GA#").and_then(|()| stream.read_exact(&mut answer));
    greeted.with_context(|| format!("what listens at {address} does not answer as a probe"))?;
    anyhow::ensure!(answer == *b"&K", "the probe at {address} is not free: another client has it");
    Ok(())
}

#[cfg(test)]
mod tests {
    use probe_rs::probe::DebugProbeSelector;

    use super::choose;

    #[test]
    fn one_probe_is_taken_and_of_several_one_has_to_be_named() {
        let probes =
            |names: &[&str]| -> Vec<DebugProbeSelector> { names.iter().map(|name| name.parse().unwrap()).collect() };
        let chosen = |named, names: &[&str]| choose(named, || probes(names)).map(|probe| probe.to_string());
        assert_eq!(chosen(None, &["1366:1015:7"]).unwrap(), "1366:1015:7");
        assert_eq!(chosen(Some("2e8a:000c"), &["1366:1015:7", "2e8a:000c"]).unwrap(), "2e8a:000c");
        assert!(chosen(None, &[]).unwrap_err().to_string().contains("no debug probe is connected"));
        let several = chosen(None, &["1366:1015:7", "2e8a:000c:8"]).unwrap_err().to_string();
        assert!(several.contains("1366:1015:7, 2e8a:000c:8"), "{several}");
        assert!(chosen(Some("the blue one"), &[]).unwrap_err().to_string().contains("VENDOR:PRODUCT"));
    }
}
