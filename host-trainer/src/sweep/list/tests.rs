//! The runs of the built-in lists, and errors in lists.

use super::*;
use crate::network::backend::Backend;
use crate::train::TrainConfig;

/// Returns the names of all runs of a built-in list, with their settings that are not the
/// recipe's.
fn expand(builtin: Builtin) -> Vec<String> {
    let lines = |network: &ListedNetwork| -> Vec<String> {
        let own = network.config(Backend::Flex, 1, Some("t"));
        let derived = network.derived().map(|row| (network.run_name(Some(row)), row.config(&own, "m")));
        let all = [(network.run_name(None), own.clone())].into_iter().chain(derived);
        all.map(|(name, config)| format!("{name}: {}", settings(&config))).collect()
    };
    read(None, builtin).unwrap().networks.iter().flat_map(lines).collect()
}

fn settings(config: &TrainConfig) -> String {
    let recipe = serde_json::to_value(config.recipe.config(config.backend, config.hidden.clone(), 1)).unwrap();
    let config_value = serde_json::to_value(config).unwrap();
    let changed = config_value.as_object().unwrap().iter().filter(|(key, value)| recipe[*key] != **value);
    let changed: String = changed.map(|(key, value)| format!(" {key}={value}")).collect();
    format!("{} {:?}{}", config.recipe.name(), config.hidden, changed.replace('"', ""))
}

#[test]
fn the_lecture_has_five_networks() {
    let expected = [
        "128-5-epochs: lecture [128]",
        "128-50-epochs: lecture [128] epochs=50",
        "1024-5-epochs: lecture [1024]",
        "512-256-5-epochs: lecture [512, 256]",
        "128-stop-above-90: lecture [128] epochs=50 stop_at_train_accuracy=0.9",
    ];
    assert_eq!(expand(LECTURE), expected);
    let networks = read(None, LECTURE).unwrap().networks;
    let titles: Vec<_> = networks.iter().map(ListedNetwork::title).collect();
    let expected = ["128, 5 epochs", "128, 50 epochs", "1024, 5 epochs", "512 + 256, 5 epochs", "128, stop above 90 %"];
    assert_eq!(titles, expected);
    let figures = |network: &ListedNetwork| {
        network.lecture.map(|figures| (figures.epochs, figures.train_accuracy, figures.test_accuracy))
    };
    let figures: Vec<_> = networks.iter().map(figures).collect();
    let expected = [
        Some((5, 0.8990, 0.877)),
        Some((50, 0.9652, 0.8855)),
        Some((5, 0.8966, 0.8751)),
        None,
        Some((6, 0.9021, 0.8830)),
    ];
    assert_eq!(figures, expected);
}

#[test]
fn the_frontier_expands_to_the_runs_of_its_page() {
    const SHARE: &str = "teacher={sha256:t,share:0.7}";
    let expected = [
        "128-lecture: lecture [128]",
        "128-best: best [128]",
        "128-taught: best [128] epochs=300 TEACHER",
        "128-taught-qat-8: best [128] epochs=0 from=m qat_epochs=20 qat_learning_rate=0.001 TEACHER",
        "128-taught-ptq-4: best [128] epochs=0 from=m weight_bits=4",
        "128-taught-qat-4: best [128] epochs=0 from=m qat_epochs=30 qat_learning_rate=0.001 TEACHER weight_bits=4",
        "128-taught-ptq-2: best [128] epochs=0 from=m weight_bits=2",
        "128-taught-qat-2: best [128] epochs=0 from=m qat_epochs=60 qat_learning_rate=0.001 TEACHER weight_bits=2",
        "96-pruned-82.5: best [96] augment=0.3 epochs=250 sparsity=0.825 TEACHER weight_decay=0.03",
        "64-pruned-89.8: best [64] augment=0.25 epochs=250 sparsity=0.898 TEACHER weight_decay=0.01",
        "32-pruned-90: best [32] augment=0.25 epochs=300 sparsity=0.9 TEACHER weight_decay=0.01",
        "256-pruned-76: best [256] epochs=300 sparsity=0.76 TEACHER",
        "128-pruned-75: best [128] epochs=150 sparsity=0.75 TEACHER",
        "128-pruned-90: best [128] epochs=150 sparsity=0.9 TEACHER",
        "128-pruned-95: best [128] epochs=150 sparsity=0.95 TEACHER",
        "64-taught: best [64] epochs=150 TEACHER",
        "48-pruned-88: best [48] augment=0.25 epochs=250 sparsity=0.88 TEACHER weight_decay=0.01",
        "512-256-taught: best [512, 256] epochs=60 TEACHER",
        "512-256-taught-qat-4: best [512, 256] epochs=0 from=m qat_epochs=20 qat_learning_rate=0.001 TEACHER \
         weight_bits=4",
        "256-pruned-90: best [256] epochs=150 sparsity=0.9 TEACHER",
        "256-taught: best [256] epochs=150 TEACHER",
        "128-pruned-50: best [128] epochs=150 sparsity=0.5 TEACHER",
        "1024-taught: best [1024] epochs=40 TEACHER",
        "1024-taught-qat-4: best [1024] epochs=0 from=m qat_epochs=15 qat_learning_rate=0.001 TEACHER \
         weight_bits=4",
    ];
    let (conv, dense): (Vec<_>, Vec<_>) = expand(FRONTIER).into_iter().partition(|line| line.starts_with("conv-"));
    assert_eq!(dense, expected.map(|line| line.replace("TEACHER", SHARE)));
    let network = "network=conv 8 3x3 stride 2; conv 16 3x3 stride 2; conv 16 3x3 stride 2; maxpool 4x4; dense 10";
    for expected in [
        format!("conv-8-16-16: best [] epochs=50 learning_rate=0.004 {network} TEACHER weight_decay=0.02"),
        format!(
            "conv-8-16-16-qat-4: best [] epochs=0 from=m learning_rate=0.004 {network} qat_epochs=15 \
             qat_learning_rate=0.001 TEACHER weight_bits=4 weight_decay=0.02"
        ),
    ] {
        let expected = expected.replace("TEACHER", SHARE);
        assert!(conv.contains(&expected), "{expected}\n{conv:?}");
    }
    let expected = [
        "128-lecture: lecture [128] epochs=1",
        "128-taught: best [128] epochs=4 TEACHER",
        "128-taught-qat-4: best [128] epochs=0 from=m qat_epochs=2 qat_learning_rate=0.001 TEACHER weight_bits=4",
        "128-taught-ptq-2: best [128] epochs=0 from=m weight_bits=2",
        "128-taught-qat-2: best [128] epochs=0 from=m qat_epochs=2 qat_learning_rate=0.001 TEACHER weight_bits=2",
        "128-pruned-90: best [128] epochs=6 sparsity=0.9 TEACHER",
    ];
    assert_eq!(expand(REDUCED), expected.map(|line| line.replace("TEACHER", SHARE)));
}

#[test]
fn rows_keep_their_order() {
    let networks = read(None, FRONTIER).unwrap().networks;
    let bits = |name: &str| -> Vec<(u8, bool)> {
        let network = networks.iter().find(|network| network.name == name).unwrap();
        network.rows.iter().map(|row| (row.weight_bits(), row.is_fine_tuned())).collect()
    };
    let expected = [(32, false), (8, false), (8, true), (4, false), (4, true), (2, false), (2, true)];
    assert_eq!(bits("128-taught"), expected);
    assert_eq!(bits("512-256-taught"), [(32, false), (8, false), (4, true)]);
    assert_eq!(bits("64-taught"), [(8, false)]);
}

#[test]
fn without_a_teacher_networks_learn_from_labels_alone() {
    let networks = read(None, FRONTIER).unwrap().networks;
    let taught = networks.iter().find(|network| network.is_taught()).unwrap();
    assert_eq!(taught.config(Backend::Flex, 7, None).teacher, None);
}

#[test]
fn malformed_lists_are_refused_by_file_and_network() {
    let fine = "name = 'a'\nhidden = [16]\n";
    for (network, parts) in [
        ("hidden = [16]", &["number 1", "missing field `name`"][..]),
        ("name = 'a'", &["network a", "missing field `hidden`", "network"]),
        ("name = 'a'\nhidden = [16]\nnetwork = 'dense 2'", &["network a", "hidden and network"]),
        ("name = 'a'\nnetwork = 'conv 8'", &["network a", "layer 0: found no window"]),
        ("name = 'a'\nnetwork = 'conv 8 3x3; softmax'", &["network a", "layer 1: found \"softmax\""]),
        (&format!("{fine}validation = -1"), &["network a", "-1"]),
        (&format!("{fine}validation = 5\nvalidation_order = 'first'"), &["network a", "unknown variant `first`"]),
        ("name = 'a'\nhidden = 16", &["network a", "invalid type"]),
        ("name = 'a'\nhidden = [0]", &["network a", "hidden is [0]"]),
        ("name = '../a'\nhidden = [16]", &["../a", "letters"]),
        (&format!("{fine}epoch = 5"), &["network a", "unknown field `epoch`", "`epochs`"]),
        (&format!("{fine}epochs = 0"), &["network a", "epochs is 0"]),
        (&format!("{fine}sparsity = 1.0"), &["network a", "sparsity is 1.0"]),
        (&format!("{fine}teacher_share = 2"), &["network a", "teacher_share is 2.0, expected 0..=1"]),
        (&format!("{fine}activation_penalty = 11"), &["network a", "activation_penalty is 11.0, expected 0..=10"]),
        ("name = 'a'\nhidden = [0]", &["network a", "hidden is [0], expected at most 15 layers of 1..=16384"]),
        (&format!("{fine}rows = []"), &["network a", "rows is empty"]),
        (&format!("{fine}rows = [{{ weight_bits = 3 }}]"), &["network a", "weight_bits is 3", "2, 4, 8 or 32"]),
        (&format!("{fine}rows = [{{ bits = 8 }}]"), &["network a", "unknown field `bits`"]),
        (&format!("{fine}rows = [{{ weight_bits = 32, qat_epochs = 1 }}]"), &["network a", "32 and qat_epochs"]),
        (&format!("{fine}sparsity = 0.5\nrows = [{{ weight_bits = 4 }}]"), &["network a", "weight_bits = 4"]),
        ("name = 'a'\nhidden = [4]\nsparsity = 0.5", &["network a", "4 outputs"]),
        (&format!("{fine}sparsity = 0.5\nstop_at_train_accuracy = 0.9"), &["network a", "whole training"]),
        (&format!("{fine}lecture = {{ epochs = 1, train_accuracy = 90, test_accuracy = 1 }}"), &["network a", "90"]),
        (&format!("{fine}rows = [{{ weight_bits = 4 }}, {{ weight_bits = 4 }}]"), &["two rows are named a-ptq-4"]),
        (&format!("{fine}[[network]]\n{fine}"), &["two rows are named a;"]),
        (&format!("{fine}[[networks]]\n{fine}"), &["unknown field `networks`"]),
    ] {
        let error = parse(&format!("[[network]]\n{network}\n"), Path::new("own.toml")).unwrap_err().to_string();
        let is_named = ["own.toml"].iter().chain(parts).all(|part| error.contains(part));
        assert!(is_named, "{network}\n{error}");
    }
    for (text, part) in [("", "no [[network]]"), ("[[network]\n", "line 1"), ("network = 1\n", "line 1")] {
        let error = parse(text, Path::new("own.toml")).unwrap_err().to_string();
        assert!(error.contains("own.toml") && error.contains(part), "{error}");
    }
    parse(&format!("[[network]]\n{fine}"), Path::new("own.toml")).unwrap();
}

#[test]
fn cascades_are_checked_against_the_networks() {
    let networks = "[[network]]\nname = 'a'\nhidden = []\nvalidation = 9\n\
                    rows = [{ weight_bits = 8 }, { weight_bits = 4 }]\n\
                    [[network]]\nname = 'b'\nhidden = [8]\nvalidation = 5\n\
                    [[network]]\nname = 'whole'\nhidden = [8]\n\
                    [[network]]\nname = 'last'\nhidden = [8]\nvalidation = 5\nvalidation_order = 'last'\n[[cascade]]\n";
    let read = |cascade: &str| parse(&format!("{networks}{cascade}\n"), Path::new("own.toml"));
    let list = read("name = 'c'\nnetworks = ['a-ptq-4', 'b']\ndefer = 0.15").unwrap();
    let cascade = &list.cascades[0];
    let members = cascade.members(&list.networks).unwrap();
    assert_eq!((members[0].row, members[1].row), (Some(&list.networks[0].rows[1]), None));
    assert_eq!((cascade.shares(), cascade.title(&members, 4, 2)), (vec![0.15], "4-2, then 4-8-2".to_owned()));
    assert_eq!(cascade.members(&list.networks[1..]), None);
    let list = read("name = 'c'\ntitle = 't'\nnetworks = ['a', 'b', 'a-ptq-4']\ndefer = [1, 0.5]").unwrap();
    assert_eq!((list.cascades[0].shares(), list.cascades[0].title(&[], 4, 2)), (vec![1.0, 0.5], "t".to_owned()));
    for (cascade, parts) in [
        ("networks = ['a', 'b']\ndefer = 0.1", &["cascade number 1", "missing field `name`"][..]),
        ("name = 'c'\nnetworks = ['a', 'b']", &["cascade c", "missing field `defer`"]),
        ("name = 'c'\ndefer = 0.1", &["cascade c", "missing field `networks`"]),
        ("name = 'c'\nnetworks = ['a', 'b']\ndefer = 0.1\nseed = 1", &["cascade c", "unknown field `seed`"]),
        ("name = 'c'\nnetworks = ['a', 'b']\ndefer = 'few'", &["cascade c", "defer is not a share from 0 to 1"]),
        ("name = 'c'\nnetworks = ['a', 'b']\ndefer = 1.5", &["cascade c", "defer is 1.5, expected 0 to 1"]),
        (
            "name = 'c'\nnetworks = ['a', 'b']\ndefer = [0.5, 0.5]",
            &["defer: found 2 shares, expected one for all networks, or 1"],
        ),
        ("name = '/c'\nnetworks = ['a', 'b']\ndefer = 0.1", &["cascade /c", "letters"]),
        ("name = 'c'\nnetworks = ['a']\ndefer = 0.1", &["cascade c", "networks has 1 names, expected 2 to 4"]),
        ("name = 'c'\nnetworks = ['a', 'b', 'c', 'd', 'e']\ndefer = 0.1", &["networks has 5 names, expected 2 to 4"]),
        ("name = 'c'\nnetworks = ['a', 'b', 'a']\ndefer = 0.1", &["networks names a twice"]),
        (
            "name = 'c'\nnetworks = ['a', 'z']\ndefer = 0.1",
            &["networks names z, which is not in the list; expected some of a, a-ptq-4, b, whole, last"],
        ),
        ("name = 'c'\nnetworks = ['a', 'whole']\ndefer = 0.1", &["network whole holds out no images", "validation"]),
        ("name = 'c'\nnetworks = ['a', 'last']\ndefer = 0.1", &["a and last hold out different images"]),
        ("name = 'b'\nnetworks = ['a', 'b']\ndefer = 0.1", &["two rows are named b;"]),
    ] {
        let error = read(cascade).unwrap_err().to_string();
        assert!(["own.toml"].iter().chain(parts).all(|part| error.contains(part)), "{cascade}\n{error}");
    }
}
