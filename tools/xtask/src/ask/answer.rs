//! The answers of host and device to one image.

use host_support::numbers::grouped;
use host_support::parity::{Target, target_name};
use host_support::table::Folded;
use host_support::terminal;
use host_support::text::printable;
use serde::{Deserialize, Serialize};

use crate::table::share;

/// Classes up to which all are shown; otherwise only [`SHOWN_OF_MANY`] and those that differ.
const MAX_SHOWN: usize = 12;
const SHOWN_OF_MANY: usize = 10;

/// Length of a bar for a probability of 1, in characters.
const BAR_WIDTH: usize = 20;

/// The output of `host-trainer predict`.
#[derive(Debug, Deserialize)]
pub struct Photo {
    conversion: Option<String>,
    doubt: Option<String>,
}

/// The first output of `ask`.
#[derive(Debug, Deserialize)]
pub struct Introduced {
    pub device: String,
    pub core: String,
    pub target: Target,
    pub model_id: String,
    networks: usize,
    columns: usize,
    channels: usize,
    class_names: Vec<String>,
    unit: Option<String>,
}

/// The output of `ask` for one image.
#[derive(Debug, Deserialize)]
pub struct Asked {
    pixels: Vec<u8>,
    agree: bool,
    host: Outputs,
    device: Outputs,
    count: Option<u64>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Outputs {
    class: usize,
    network: usize,
    /// With 16 fractional bits.
    logits: Vec<i32>,
    /// With 15 fractional bits.
    probabilities: Vec<u32>,
}

/// The object that `--json` prints. The keys are stable.
#[derive(Debug, Serialize)]
pub struct Answer {
    image: String,
    conversion: Option<String>,
    /// Why the network may not see what a person sees in the file.
    doubt: Option<String>,
    model_id: String,
    device: String,
    core: String,
    target: Target,
    class_name: String,
    /// True if no value differs.
    pub agree: bool,
    answers: Answers,
    /// Instructions or cycles of one inference; `None` if the device cannot count.
    count: Option<u64>,
    unit: Option<String>,
    #[serde(skip)]
    pixels: Vec<u8>,
}

#[derive(Debug, Serialize)]
struct Answers {
    host: Outputs,
    device: Outputs,
}

impl Answer {
    pub fn new(image: String, photo: Photo, introduced: &Introduced, asked: Asked) -> Self {
        let Asked { pixels, agree, host, device, count } = asked;
        Self {
            image,
            conversion: photo.conversion,
            doubt: photo.doubt,
            model_id: introduced.model_id.clone(),
            device: introduced.device.clone(),
            core: introduced.core.clone(),
            target: introduced.target,
            class_name: introduced.name(device.class),
            agree,
            answers: Answers { host, device },
            count,
            unit: introduced.unit.clone(),
            pixels,
        }
    }

    pub fn text(&self, introduced: &Introduced) -> String {
        let conversion = self.conversion.as_deref().unwrap_or("taken as it is");
        let target = target_name(Some(self.target));
        let mut text = line("image", &format!("{}, {conversion}", self.image));
        text += &terminal::image(&self.pixels, introduced.columns, introduced.channels, terminal::has_colours());
        text += &line("model", &format!("{} on {} ({target}, {})", self.model_id, self.device, self.core));
        text += &line("class", &self.class_name);
        if introduced.networks > 1 {
            text +=
                &line("answered by", &format!("network {} of {}", self.answers.device.network, introduced.networks));
        }
        if let (Some(count), Some(unit)) = (self.count, &self.unit) {
            let note = if self.target == Target::Emulator { ", counted in QEMU; not time" } else { "" };
            text += &line(unit, &format!("{}{note}", grouped(count)));
        }
        let verdict = if self.agree { "identical: class, network, every logit and probability" } else { "DIFFERENT" };
        text += &line("host and device", verdict);
        text += &self.differences(introduced);
        let (table, rest) = self.table(introduced);
        text += &table.to_string();
        if rest > 0 {
            text += &format!("\n{rest} more classes, less probable, equal on host and device");
        }
        text
    }

    /// Describes the values that differ, except probabilities, which are in the table.
    fn differences(&self, introduced: &Introduced) -> String {
        let Answers { host, device } = &self.answers;
        let mut text = String::new();
        for (name, host, device) in [
            ("class", introduced.name(host.class), introduced.name(device.class)),
            ("network", host.network.to_string(), device.network.to_string()),
        ] {
            if host != device {
                text += &line(&format!("{name} differs"), &format!("{host} on the host, {device} on the device"));
            }
        }
        for (class, (host, device)) in host.logits.iter().zip(&device.logits).enumerate() {
            if host != device {
                let name = introduced.name(class);
                text += &line("logit differs", &format!("{name}: {host} on the host, {device} on the device"));
            }
        }
        text
    }

    /// Returns a table of probabilities, and the number of classes that are not in it.
    fn table(&self, introduced: &Introduced) -> (Folded, usize) {
        let Answers { host, device } = &self.answers;
        let differs = |class: &usize| {
            let pair =
                |outputs: &Outputs| (outputs.logits.get(*class).copied(), outputs.probabilities.get(*class).copied());
            pair(host) != pair(device)
        };
        let mut classes: Vec<usize> = (0..host.probabilities.len().max(device.probabilities.len())).collect();
        // By logits: different logits can have equal probabilities.
        classes.sort_by_key(|class| std::cmp::Reverse(device.logits.get(*class).copied()));
        let count = classes.len();
        let shown = if count > MAX_SHOWN { SHOWN_OF_MANY } else { count };
        let classes: Vec<usize> = classes
            .into_iter()
            .enumerate()
            .filter(|(rank, class)| *rank < shown || differs(class))
            .map(|(_, class)| class)
            .collect();
        let mut table = Folded::new(["class", "", "host", "device"], 1);
        for class in &classes {
            let of = |outputs: &Outputs| outputs.probabilities.get(*class).copied().unwrap_or_default();
            let mark = if differs(class) { " (differs)" } else { "" };
            let whole: u32 = device.probabilities.iter().sum();
            let bar = terminal::bar(f64::from(of(device)) / f64::from(whole.max(1)), BAR_WIDTH);
            let name = printable(&introduced.name(*class)) + mark;
            table.add_row([name, bar, share(of(host), &host.probabilities), share(of(device), &device.probabilities)]);
        }
        (table, count - classes.len())
    }
}

impl Introduced {
    fn name(&self, class: usize) -> String {
        self.class_names.get(class).cloned().unwrap_or_else(|| class.to_string())
    }
}

/// Formats a line of text output like `host-trainer predict`.
fn line(name: &str, value: &str) -> String {
    format!("{name:23} {}\n", printable(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(logits: &[i32]) -> Outputs {
        let probabilities = logits.iter().map(|logit| logit.cast_unsigned()).collect();
        Outputs { class: 1, network: 0, logits: logits.to_vec(), probabilities }
    }

    fn introduced(names: usize, networks: usize, target: Target) -> Introduced {
        Introduced {
            device: "board".into(),
            core: "core".into(),
            target,
            model_id: "1a".into(),
            networks,
            columns: 1,
            channels: 1,
            class_names: (0..names).map(|class| format!("class \x1b{class}.")).collect(),
            unit: Some("instructions".into()),
        }
    }

    fn answer(introduced: &Introduced, host: Outputs, device: Outputs) -> Answer {
        let photo = Photo { conversion: Some("inverted".into()), doubt: None };
        let asked = Asked { pixels: vec![255], agree: host == device, host, device, count: Some(12_345) };
        Answer::new("shoe.jpg".into(), photo, introduced, asked)
    }

    #[test]
    fn equal_answers_are_side_by_side() {
        let introduced = introduced(3, 2, Target::Emulator);
        let answer = answer(&introduced, outputs(&[7, 90, 3]), outputs(&[7, 90, 3]));
        let text = answer.text(&introduced);
        let parts =
            ["shoe.jpg, inverted", "@@", "1a on board (emulator, core)", "network 0 of 2", "12,345, counted in QEMU"];
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        assert!(text.contains("identical") && !text.contains("differs"), "{text}");
        assert!(text.contains("class \\u{1b}1.") && !text.contains('\x1b'), "{text}");
        assert_eq!(text.matches("90.00 %").count(), 2, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn each_difference_is_shown_also_of_an_improbable_class() {
        let introduced = introduced(14, 1, Target::Hardware);
        let logits: Vec<i32> = (0..14).map(|class| 100 - class).collect();
        let mut other = logits.clone();
        other[13] += 1;
        let answer = answer(&introduced, outputs(&logits), outputs(&other));
        let text = answer.text(&introduced);
        assert!(
            text.contains("DIFFERENT") && text.contains("class \\u{1b}13.: 87 on the host, 88 on the device"),
            "{text}"
        );
        assert!(text.contains("13. (differs)") && text.contains("3 more classes"), "{text}");
        assert!(!text.contains("answered by") && !text.contains("QEMU"), "{text}");
    }

    #[test]
    fn the_keys_of_the_object_are_stable() {
        let introduced = introduced(2, 1, Target::Host);
        let answer = Answer { count: None, unit: None, ..answer(&introduced, outputs(&[1, 2]), outputs(&[1, 2])) };
        let side = r#"{"class":1,"network":0,"logits":[1,2],"probabilities":[1,2]}"#;
        let expected = [
            r#"{"image":"shoe.jpg","conversion":"inverted","doubt":null,"model_id":"1a","device":"board","#,
            r#""core":"core","target":"host","class_name":"class \u001b1.","agree":true,"#,
            &format!(r#""answers":{{"host":{side},"device":{side}}},"count":null,"unit":null}}"#),
        ]
        .concat();
        assert_eq!(serde_json::to_string(&answer).unwrap(), expected);
    }
}
