//! Which photographs take part, and as what: registered, attacked, another capture, another product.
//!
//! Owns the reading of `index.csv` and the draw, a pure function of the list and the seed. Knows nothing of
//! registries.

use crate::{
    BenchError,
    attacks::{
        self,
        random::{Random, shuffle},
    },
};
use image::RgbImage;
use rayon::prelude::*;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};
use touchstone_examples::studio;

/// Share of the products of which a photograph is registered.
const REGISTERED: f64 = 0.7;
/// Pictures that patches and collages are made of.
const OTHERS: usize = 6;
/// Attacks start from at most so many pixels along the long side: what a phone sends.
const LONG_SIDE: u32 = 1_600;
/// Quality of the rendered pictures' files.
const RENDERED_QUALITY: u8 = 92;

/// A photograph in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Photo {
    /// Its place in the list: `img/mug-2.jpg`.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    product: String,
}

/// How an unattacked photograph relates to those that are registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Negative {
    /// Another capture of a registered product.
    OtherCapture,
    /// A product that is not registered, of a kind that is.
    SameKind,
    /// Neither.
    Unrelated,
}

impl Negative {
    pub(crate) const ALL: [Self; 3] = [Self::OtherCapture, Self::SameKind, Self::Unrelated];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OtherCapture => "other capture of a registered product",
            Self::SameKind => "other product of a registered kind",
            Self::Unrelated => "unrelated",
        }
    }
}

/// What takes part in a run.
pub(crate) struct Selection {
    /// Registered, one of each product drawn.
    pub(crate) registered: Vec<Photo>,
    /// Which of the registered ones are attacked.
    pub(crate) originals: Vec<usize>,
    /// Photographs that are not registered.
    pub(crate) negatives: Vec<(Negative, Photo)>,
    /// Pictures for patches and collages, of products that are not registered.
    pub(crate) others: Vec<RgbImage>,
    /// Products in the list.
    pub(crate) products: usize,
    /// Whether the pictures are photographs, not rendered.
    pub(crate) real: bool,
}

#[derive(Deserialize)]
struct Line {
    file: String,
    product_id: String,
}

/// The photographs that `folder/index.csv` lists: columns `file` and `product_id`, others are passed over.
pub(crate) fn listed(folder: &Path) -> Result<Vec<Photo>, BenchError> {
    let mut reader = csv::Reader::from_path(folder.join("index.csv"))?;
    let line = |line: Result<Line, csv::Error>| {
        let Line { file, product_id } = line?;
        Ok(Photo { path: folder.join(&file), name: file, product: product_id })
    };
    reader.deserialize().map(line).collect()
}

/// The studio's pictures as JPEG files in `folder`.
pub(crate) fn rendered(folder: &Path) -> Result<Vec<Photo>, BenchError> {
    let write = |shot: &studio::Shot| {
        let name = format!("{}.jpg", shot.name);
        let path = folder.join(&name);
        let bytes = attacks::jpeg_bytes(&studio::render(shot), RENDERED_QUALITY);
        std::fs::write(&path, bytes.ok_or_else(|| BenchError::Other("a picture of no size".to_owned()))?)?;
        let product = if shot.product.is_empty() { shot.name } else { shot.product };
        Ok(Photo { name, path, product: product.to_owned() })
    };
    studio::catalogue().par_iter().map(write).collect()
}

/// Draws what takes part: 70 % of the products are registered with one photograph each, and up to `originals`
/// of those are attacked.
pub(crate) fn select(
    photos: &[Photo],
    seed: u64,
    originals: usize,
    real: bool,
) -> Result<Selection, BenchError> {
    let mut by_product: BTreeMap<&str, Vec<&Photo>> = BTreeMap::new();
    for photo in photos {
        by_product.entry(&photo.product).or_default().push(photo);
    }
    let mut products: Vec<&str> = by_product.keys().copied().collect();
    let mut random = Random::new("selection", seed);
    shuffle(&mut products, &mut random);
    let count = (products.len() as f64 * REGISTERED) as usize;
    let known: BTreeSet<&str> = products.iter().take(count).copied().collect();
    let kinds: BTreeSet<String> = known.iter().flat_map(|product| kinds(product)).collect();
    let (mut registered, mut negatives) = (Vec::new(), Vec::new());
    for (product, mut photos) in by_product {
        photos.sort_unstable();
        if known.contains(product) {
            let chosen = photos.remove(random.below(photos.len()));
            registered.push(chosen.clone());
            negatives.extend(photos.into_iter().map(|photo| (Negative::OtherCapture, photo.clone())));
        } else {
            let same = self::kinds(product).iter().any(|kind| kinds.contains(kind));
            let negative = if same { Negative::SameKind } else { Negative::Unrelated };
            negatives.extend(photos.into_iter().map(|photo| (negative, photo.clone())));
        }
    }
    if registered.is_empty() {
        return Err(BenchError::Other("two products are needed at least".to_owned()));
    }
    let mut order: Vec<usize> = (0..registered.len()).collect();
    shuffle(&mut order, &mut random);
    order.truncate(originals.max(1));
    order.sort_unstable();
    let mut rest: Vec<&Photo> = negatives
        .iter()
        .filter(|(negative, _)| *negative != Negative::OtherCapture)
        .map(|(_, photo)| photo)
        .collect();
    shuffle(&mut rest, &mut random);
    let others = rest.iter().take(OTHERS).map(|photo| picture(photo)).collect::<Result<_, _>>()?;
    negatives.sort_unstable();
    Ok(Selection { registered, originals: order, negatives, others, products: products.len(), real })
}

/// What kind of thing a product is, from its name: its first two words together, and its last.
/// `shop/mug-blue` and `shop/mug-red` are of a kind, and so are `a/12/dress` and `b/7/dress`.
fn kinds(product: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = ' ';
    for letter in product.chars() {
        let starts =
            letter.is_ascii_digit() != last.is_ascii_digit() || matches!(last, '/' | '-' | '_' | ' ');
        if !matches!(letter, '/' | '-' | '_' | ' ') {
            if starts {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(letter.to_lowercase());
            }
        }
        last = letter;
    }
    let mut kinds = Vec::new();
    if let [first, second, ..] = words.as_slice() {
        kinds.push(format!("{first} {second}"));
    }
    // A number says nothing of the kind.
    kinds.extend(words.pop().filter(|word| !word.chars().all(|letter| letter.is_ascii_digit())));
    kinds
}

/// The pixels of a photograph, at most 1,600 along the long side.
pub(crate) fn picture(photo: &Photo) -> Result<RgbImage, BenchError> {
    let picture = image::open(&photo.path)?.into_rgb8();
    let long = picture.width().max(picture.height());
    if long <= LONG_SIDE {
        return Ok(picture);
    }
    let side = |length: u32| (u64::from(length) * u64::from(LONG_SIDE) / u64::from(long)) as u32;
    Ok(attacks::resize(&picture, side(picture.width()), side(picture.height())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    fn photos(products: &[&str]) -> Vec<Photo> {
        let photo = |product: &&str, at: usize| Photo {
            name: format!("{product}-{at}.png"),
            path: PathBuf::new(),
            product: (*product).to_owned(),
        };
        products.iter().flat_map(|product| (0..2).map(move |at| photo(product, at))).collect()
    }

    #[test]
    fn products_are_of_a_kind_by_their_first_two_words_or_their_last() {
        assert_eq!(kinds("grocery/Arla-Sour-Milk"), ["grocery arla", "milk"]);
        assert_eq!(kinds("magento/mb04"), ["magento mb"]);
        assert_eq!(kinds("mug"), ["mug"]);
    }

    #[test]
    fn the_draw_registers_one_photograph_of_each_known_product() {
        let folder = tempfile::tempdir().unwrap();
        let mut photos = photos(&["a/1/mug", "b/2/mug", "c/3/plate", "d/4/lamp"]);
        for photo in &mut photos {
            photo.path = folder.path().join(photo.name.replace('/', "-"));
            RgbImage::new(8, 8).save(&photo.path).unwrap();
        }
        let (one, two) = (select(&photos, 5, 9, true).unwrap(), select(&photos, 5, 9, true).unwrap());
        assert_eq!((one.registered.len(), one.originals.len(), one.negatives.len()), (2, 2, 6));
        assert_eq!((&one.registered, &one.negatives), (&two.registered, &two.negatives));
        for (negative, photo) in &one.negatives {
            let known = one.registered.iter().any(|registered| registered.product == photo.product);
            assert_eq!(known, *negative == Negative::OtherCapture, "{}", photo.name);
        }
    }
}
