//! Try.
use parity::*;
use std::path::PathBuf;
fn main() -> anyhow::Result<()> {
    let a: Vec<String> = std::env::args().collect();
    let shift: u8 = a[2].parse()?;
    let lab = Lab { firmware: PathBuf::from("/tmp/tgt-bench/prenda/firmware"), link: Link::Rtt, instruction_shift: Some(shift), probe: None, patience: device::PATIENCE, show_logs: false };
    let model = std::fs::read("tests/fixtures/model.bin")?;
    let answers = std::fs::read("tests/fixtures/answers.bin")?;
    let (_, records) = shared_model::AnswersHeader::parse(&answers)?;
    let mut s = Device::by_name(&a[1]).unwrap().start(&lab, &model)?;
    println!("{:?}", s.client.hello()?);
    for r in [0u8, 1, 55, 255, 255] { println!("{:?}", s.client.calibrate(r)?); }
    for r in records.take(3) { for _ in 0..2 { println!("{:?}", s.client.measure(r.pixels)?); } }
    Ok(())
}
