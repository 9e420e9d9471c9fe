//! The report in Markdown: every figure with its interval, its target and whether it holds.

use super::{
    Options,
    photos::{Negative, Selection},
    rows::{self, Engine},
    run::Measured,
    targets,
    wilson::Rate,
};
use crate::{
    BenchError,
    attacks::{Class, Damage, Size},
    load::percentile,
};
use std::{fmt::Write, fs};
use touchstone_schema::record::Tier;

/// False matches that are named one by one, for each engine.
const NAMED: usize = 12;

/// Writes `README.md`, `answers.csv` and the plots.
pub(crate) fn write(options: &Options, selection: &Selection, measured: &Measured) -> Result<(), BenchError> {
    fs::create_dir_all(&options.out)?;
    let class = |at: usize| measured.classes.get(at).map_or_else(String::new, |class| class.name.clone());
    rows::write_csv(&options.out.join("answers.csv"), &measured.rows, class)?;
    super::plots::write(&options.out, measured)?;
    let text = text(options, selection, measured).map_err(BenchError::other)?;
    Ok(fs::write(options.out.join("README.md"), text)?)
}

const fn tier(engine: Engine) -> Tier {
    match engine {
        Engine::Sketch => Tier::Sketch,
        _ => Tier::Detail,
    }
}

const fn yes(holds: bool) -> &'static str {
    if holds { "yes" } else { "**no**" }
}

fn at_least(rate: Rate, target: f64) -> bool {
    rate.share().is_some_and(|share| share >= target)
}

fn at_most(rate: Rate, target: f64) -> bool {
    rate.share().is_some_and(|share| share <= target)
}

fn text(options: &Options, selection: &Selection, measured: &Measured) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    introduction(&mut text, options, selection, measured)?;
    for engine in Engine::OWN {
        summary(&mut text, measured, engine)?;
    }
    recall(&mut text, measured)?;
    false_matches(&mut text, measured)?;
    alterations(&mut text, measured)?;
    named(&mut text, measured)?;
    again(&mut text, options)?;
    Ok(text)
}

fn introduction(
    text: &mut String,
    options: &Options,
    selection: &Selection,
    measured: &Measured,
) -> std::fmt::Result {
    let Selection { registered, originals, negatives, products, real, .. } = selection;
    let what = if *real {
        "photographs"
    } else {
        "**rendered pictures, no photographs**: rates on photographs are lower"
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    writeln!(
        text,
        "# Calibration of the matching\n\n\
         Made by `make calibrate`; do not edit. Every figure is of one run of the built server.\n\n\
         | | |\n|---|---|\n\
         | pictures | {} {what}, of {products} products |\n\
         | registered | {}, one of each product drawn, in two registries: `detail` (listings) and \
         `sketch` (packing photos) |\n\
         | attacked | {} of them, each in {} classes, seed {} |\n\
         | not registered | {} photographs |\n\
         | time | {:.0} s on {cores} cores |\n",
        registered.len() + negatives.len(),
        registered.len(),
        originals.len(),
        measured.classes.len(),
        options.seed,
        negatives.len(),
        measured.seconds,
    )?;
    writeln!(
        text,
        "Brackets hold the count and the 95 % interval (Wilson). *Holds* compares the measured share with the \
         target; where the sample is small the interval says how little that may mean: {} of {} found still \
         allows {:.0} % misses. Damage, screens and renderings are procedural (`bench/src/attacks/`).\n",
        originals.len(),
        originals.len(),
        100.0 * (1.0 - Rate { hits: originals.len(), of: originals.len() }.interval().0),
    )
}

/// The targets of one reference.
fn summary(text: &mut String, measured: &Measured, engine: Engine) -> std::fmt::Result {
    let title = match engine {
        Engine::Sketch => "Packing photos: sketch of 192 pixels",
        _ => "Listing pictures: detail of 1,024 pixels",
    };
    writeln!(text, "## {title}\n\n| what | target | reached | holds |\n|---|---|---|---|")?;
    let mut line = |what: &str, target: &str, reached: &str, holds: bool| {
        writeln!(text, "| {what} | {target} | {reached} | {} |", yes(holds))
    };
    let classes: Vec<usize> = (0..measured.classes.len()).collect();
    let usual = |class: &Class| targets::recall(class) >= 0.98;
    let (easy, hard): (Vec<usize>, Vec<usize>) =
        classes.into_iter().partition(|at| usual(&measured.classes[*at]));
    let below: Vec<&str> = easy
        .iter()
        .filter(|at| !at_least(measured.recall(engine, **at), targets::recall(&measured.classes[**at])))
        .map(|at| measured.classes[*at].name.as_str())
        .collect();
    let pooled: Rate = easy.iter().map(|at| measured.recall(engine, *at)).sum();
    let reached = if below.is_empty() {
        format!("every class; pooled {}", pooled.text())
    } else {
        format!("below in {}: {}; pooled {}", below.len(), below.join(", "), pooled.text())
    };
    line("found, each attack class but the next two", "≥ 98 %", &reached, below.is_empty())?;
    for at in hard {
        let class = &measured.classes[at];
        let (rate, target) = (measured.recall(engine, at), targets::recall(class));
        let what = format!("found, {}", class.name);
        line(&what, &format!("≥ {:.0} %", 100.0 * target), &rate.text(), at_least(rate, target))?;
    }
    let wrong = measured.wrong(engine);
    line("another original named", "none", &wrong.text(), at_most(wrong, targets::WRONG_ORIGINALS))?;
    for negative in Negative::ALL {
        let rate = measured.false_matches(engine, negative);
        let most = match negative {
            Negative::OtherCapture => targets::OTHER_CAPTURES,
            _ => targets::OTHER_PRODUCTS,
        };
        let target = if most > 0.0 { format!("≤ {:.1} %", 100.0 * most) } else { "none".to_owned() };
        line(&format!("called the same, {}", negative.name()), &target, &rate.text(), at_most(rate, most))?;
    }
    for damage in Damage::ALL {
        let (rate, target) = (measured.hits(engine, damage, None), targets::hits(damage, tier(engine)));
        let what = format!("altered region shown, {}", damage.name());
        line(&what, &format!("≥ {:.0} %", 100.0 * target), &rate.text(), at_least(rate, target))?;
    }
    for damage in Damage::ALL {
        let Some(target) = targets::overlap(damage, tier(engine)) else { continue };
        let mean = measured.overlap(engine, damage).unwrap_or(0.0);
        let what = format!("mean IoU of altered regions, {}", damage.name());
        line(&what, &format!("≥ {target:.1}"), &format!("{mean:.2}"), mean >= target)?;
    }
    let rate: Rate = measured.harmless().map(|at| measured.altered(engine, at)).sum();
    line(
        "called altered after a harmless change",
        &format!("≤ {:.0} %", 100.0 * targets::FALSE_ALTERATIONS),
        &rate.text(),
        at_most(rate, targets::FALSE_ALTERATIONS),
    )?;
    let times = measured.milliseconds(engine);
    writeln!(
        text,
        "| milliseconds of a check, two at a time beside their making | – | p50 {:.0}, p95 {:.0} | – |\n",
        percentile(&times, 0.5),
        percentile(&times, 0.95),
    )
}

/// The heads of a table with a column for each engine.
fn heads(text: &mut String, first: &str) -> std::fmt::Result {
    let names: Vec<&str> = Engine::ALL.iter().map(|engine| engine.name()).collect();
    writeln!(text, "| {first} | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()))
}

fn recall(text: &mut String, measured: &Measured) -> std::fmt::Result {
    writeln!(
        text,
        "## Found, by attack\n\n![Recall of each attack class beside the peers](recall.png)\n\n\
         Peers saw the same files: PDQ within 31 of 256 bits, pHash within 5 of 64, the ISCC Image-Code within \
         61 of 256, each as the photo stands, and OpenCV's ORB with a plane map of at least 10 inliers ({}). \
         Peers name pictures and no altered regions.\n",
        match &measured.orb {
            Ok(version) => format!("OpenCV {version}"),
            Err(reason) => format!("**{reason}**"),
        }
    )?;
    heads(text, "attack")?;
    for (at, class) in measured.classes.iter().enumerate() {
        write!(text, "| {} |", class.name)?;
        for engine in Engine::ALL {
            let rate = measured.recall(engine, at);
            match engine {
                Engine::Detail | Engine::Sketch => {
                    let (low, high) = rate.interval();
                    write!(text, " {} ({:.0}–{:.0} %) |", rate.count(), 100.0 * low, 100.0 * high)?;
                }
                _ => write!(text, " {} |", rate.count())?,
            }
        }
        writeln!(text)?;
    }
    write!(text, "| **all** |")?;
    for engine in Engine::ALL {
        let rate: Rate = (0..measured.classes.len()).map(|at| measured.recall(engine, at)).sum();
        write!(
            text,
            " {} |",
            rate.share().map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
        )?;
    }
    writeln!(text, "\n")
}

fn false_matches(text: &mut String, measured: &Measured) -> std::fmt::Result {
    writeln!(
        text,
        "## Called the same, though it is not\n\n\
         Photographs as they are, against all registered ones. Two products are of a kind when their \
         `product_id` shares its first two words or its last.\n"
    )?;
    heads(text, "photograph")?;
    for negative in Negative::ALL {
        write!(text, "| {} |", negative.name())?;
        for engine in Engine::ALL {
            write!(text, " {} |", measured.false_matches(engine, negative).text())?;
        }
        writeln!(text)?;
    }
    write!(text, "| attacked, and another original named |")?;
    for engine in Engine::ALL {
        write!(text, " {} |", measured.wrong(engine).text())?;
    }
    writeln!(
        text,
        "\n\n![Agreement of the blocks by what was compared](agreement.png)\n\n\
         Where pixels were compared, the median correlation of the blocks decides: at least 0.92 is the same \
         capture. \
         Photos in which no candidate reached that comparison are not drawn.\n"
    )
}

fn alterations(text: &mut String, measured: &Measured) -> std::fmt::Result {
    writeln!(
        text,
        "## Altered regions\n\n![Altered regions shown, by kind and size](alterations.png)\n\n\
         Shown means that at least a tenth of what was painted is marked. Small is 1 to 3 % of the picture, \
         medium 3 to 7 %, large 8 to 15 %, of spots a quarter of that. The last columns pool all sizes and, \
         for crack, stain and clone, also those after jpeg, resize, crop and screenshot.\n"
    )?;
    for engine in Engine::OWN {
        writeln!(
            text,
            "| {} | small | medium | large | all | mean IoU |\n|---|---|---|---|---|---|",
            engine.name()
        )?;
        for damage in Damage::ALL {
            write!(text, "| {} |", damage.name())?;
            for size in Size::ALL {
                write!(text, " {} |", measured.hits(engine, damage, Some(size)).count())?;
            }
            let overlap = measured.overlap(engine, damage);
            writeln!(
                text,
                " {} | {} |",
                measured.hits(engine, damage, None).text(),
                overlap.map_or("–".to_owned(), |mean| format!("{mean:.2}"))
            )?;
        }
        writeln!(text)?;
    }
    writeln!(
        text,
        "![Called altered after a harmless change](harmless.png)\n\n\
         | called altered after a harmless change | detail | sketch |\n|---|---|---|"
    )?;
    for at in measured.harmless() {
        let rates = Engine::OWN.map(|engine| measured.altered(engine, at));
        if rates.iter().any(|rate| rate.hits > 0) {
            let [detail, sketch] = rates.map(Rate::text);
            writeln!(text, "| {} | {detail} | {sketch} |", measured.classes[at].name)?;
        }
    }
    let pooled = |engine| measured.harmless().map(|at| measured.altered(engine, at)).sum::<Rate>();
    let [detail, sketch] = Engine::OWN.map(pooled).map(Rate::text);
    writeln!(text, "| **all {} classes** | {detail} | {sketch} |\n", measured.harmless().count())
}

/// False matches one by one: some "other captures" of public sets are crops or recolours of one shot.
fn named(text: &mut String, measured: &Measured) -> std::fmt::Result {
    writeln!(
        text,
        "## False matches, one by one\n\nLook at them: some other captures are parts of one shot.\n"
    )?;
    for engine in Engine::OWN {
        let rows: Vec<_> = measured.wrong_rows(engine).collect();
        writeln!(text, "`{}`: {}\n", engine.name(), if rows.is_empty() { "none." } else { "" })?;
        for row in rows.iter().take(NAMED) {
            let class = match row.subject {
                rows::Subject::Attack(at) => measured.classes[at].name.as_str(),
                rows::Subject::Negative(negative) => negative.name(),
            };
            let score = row.score.map_or(String::new(), |score| format!(", agreement {score:.3}"));
            let wrong = row.wrong.as_deref().unwrap_or_default();
            writeln!(text, "- `{}` ({class}) as `{wrong}`{score}", row.photo)?;
        }
        if rows.len() > NAMED {
            writeln!(text, "- and {} more in `answers.csv`", rows.len() - NAMED)?;
        }
        if !rows.is_empty() {
            writeln!(text)?;
        }
    }
    Ok(())
}

fn again(text: &mut String, options: &Options) -> std::fmt::Result {
    let photos = if options.photos.is_some() { "PHOTOS=DIR " } else { "" };
    let Options { seed, originals, .. } = options;
    writeln!(
        text,
        "## Again\n\n```sh\nmake calibrate {photos}SEED={seed} ORIGINALS={originals}\n```\n\n\
         `DIR` holds `index.csv` with the columns `file` and `product_id`. Every answer stands in \
         [answers.csv](answers.csv)."
    )
}
