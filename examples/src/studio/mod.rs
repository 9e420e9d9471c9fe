//! The picture studio: product photographs rendered by this crate, and the edits a refund photo may have
//! seen.
//!
//! Every picture is a set-up of solids, surfaces and lights that a small renderer draws; no picture files are
//! needed, nothing is random, and the same picture has the same bytes on every run. Knows nothing of the
//! registry.

mod boxes;
mod buyer;
pub mod edits;
mod fantasy;
mod household;
mod listing;
mod maths;
mod packing;
mod paint;
mod render;
mod scene;
mod shapes;
mod tableware;

use image::RgbImage;
use scene::Scene;

/// What a picture stands for in the examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShotKind {
    /// A merchant's catalogue picture.
    Listing,
    /// A merchant's photo of the goods in their packing.
    Packing,
    /// A picture an AI vendor's system made.
    AiOutput,
    /// A picture nobody registered: an honest buyer's own photo.
    Unregistered,
}

/// One picture of the studio.
#[derive(Debug)]
pub struct Shot {
    /// Name in kebab case; also the stem of its file name.
    pub name: &'static str,
    /// Title in English.
    pub title_en: &'static str,
    /// Title in Chinese.
    pub title_zh: &'static str,
    /// What it stands for.
    pub kind: ShotKind,
    /// The name of the listing whose product line it shows; its own name for a listing; empty if there
    /// is none.
    pub product: &'static str,
    build: fn() -> Scene,
}

const fn shot(
    kind: ShotKind,
    name: &'static str,
    product: &'static str,
    title_en: &'static str,
    title_zh: &'static str,
    build: fn() -> Scene,
) -> Shot {
    Shot { name, title_en, title_zh, kind, product, build }
}

use ShotKind::{AiOutput, Listing, Packing, Unregistered};

/// Every picture, listings first.
static SHOTS: [Shot; 46] = [
    shot(
        Listing,
        "celadon-vase",
        "celadon-vase",
        "Celadon vase with bowl",
        "青瓷花瓶配小碗",
        listing::celadon_vase,
    ),
    shot(Listing, "striped-mug", "striped-mug", "Blue striped mug", "蓝条纹马克杯", listing::striped_mug),
    shot(Listing, "porcelain-bowl", "porcelain-bowl", "Porcelain bowl", "青花瓷碗", listing::porcelain_bowl),
    shot(Listing, "plate-set", "plate-set", "Stoneware plate set", "粗陶餐盘套装", listing::plate_set),
    shot(Listing, "olive-oil", "olive-oil", "Olive oil, 500 ml", "橄榄油 500 毫升", listing::olive_oil),
    shot(Listing, "table-lamp", "table-lamp", "Ceramic table lamp", "陶瓷台灯", listing::table_lamp),
    shot(Listing, "oak-stool", "oak-stool", "Oak stool", "橡木圆凳", listing::oak_stool),
    shot(Listing, "wall-clock", "wall-clock", "Walnut wall clock", "胡桃木挂钟", listing::wall_clock),
    shot(Listing, "city-backpack", "city-backpack", "City backpack", "都市双肩包", listing::city_backpack),
    shot(Listing, "chess-set", "chess-set", "Turned chess set", "木制国际象棋", listing::chess_set),
    shot(Listing, "headphones", "headphones", "Over-ear headphones", "头戴式耳机", listing::coral_headphones),
    shot(Listing, "enamel-kettle", "enamel-kettle", "Enamel kettle", "搪瓷烧水壶", listing::enamel_kettle),
    shot(Listing, "watering-can", "watering-can", "Garden watering can", "园艺浇水壶", listing::watering_can),
    shot(Listing, "rubber-plant", "rubber-plant", "Potted rubber plant", "盆栽橡皮树", listing::rubber_plant),
    shot(Listing, "toy-blocks", "toy-blocks", "Wooden toy blocks", "木制积木", listing::toy_blocks),
    shot(Listing, "perfume", "perfume", "Amber eau de parfum", "琥珀香水", listing::perfume),
    shot(
        Listing,
        "stacked-books",
        "stacked-books",
        "Clothbound classics",
        "布面精装名著",
        listing::stacked_books,
    ),
    shot(Listing, "shelf-speaker", "shelf-speaker", "Bookshelf speaker", "书架音箱", listing::shelf_speaker),
    shot(Listing, "dumbbells", "dumbbells", "Hex dumbbells", "六角哑铃", listing::dumbbells),
    shot(Listing, "soap-bars", "soap-bars", "Marbled soap bars", "大理石纹手工皂", listing::soap_bars),
    shot(Listing, "fruit-bowl", "fruit-bowl", "Turned fruit bowl", "木制水果碗", listing::fruit_bowl),
    shot(Listing, "candlesticks", "candlesticks", "Brass candlesticks", "黄铜烛台", listing::candlesticks),
    shot(Listing, "plaid-cushions", "plaid-cushions", "Plaid cushions", "格纹靠垫", listing::plaid_cushions),
    shot(
        Packing,
        "packing-vase",
        "celadon-vase",
        "Vase in shredded paper",
        "花瓶装箱照",
        packing::vase_in_box,
    ),
    shot(
        Packing,
        "packing-mugs",
        "striped-mug",
        "Two mugs in their carton",
        "马克杯装箱照",
        packing::mugs_in_box,
    ),
    shot(
        Packing,
        "packing-plates",
        "plate-set",
        "Plates, carton sealed",
        "餐盘封箱照",
        packing::plates_sealed,
    ),
    shot(
        Packing,
        "packing-kettle",
        "enamel-kettle",
        "Kettle in its carton",
        "水壶装箱照",
        packing::kettle_in_box,
    ),
    shot(
        Packing,
        "packing-headphones",
        "headphones",
        "Headphones in gift box",
        "耳机礼盒照",
        packing::headphones_in_box,
    ),
    shot(
        Packing,
        "packing-oil",
        "olive-oil",
        "Oil bottles in a crate",
        "橄榄油木箱照",
        packing::bottles_in_crate,
    ),
    shot(Packing, "packing-clock", "wall-clock", "Clock in its carton", "挂钟装箱照", packing::clock_in_box),
    shot(
        Packing,
        "packing-parcels",
        "stacked-books",
        "Parcels before pick-up",
        "待揽收包裹照",
        packing::parcels,
    ),
    shot(AiOutput, "ai-golden-vase", "", "Golden vase with spheres", "鎏金花瓶与金球", fantasy::golden_vase),
    shot(AiOutput, "ai-floating-plates", "", "Floating plates", "悬浮的盘子", fantasy::floating_plates),
    shot(AiOutput, "ai-mushroom-lamps", "", "Mushroom lamps", "发光的蘑菇灯", fantasy::mushroom_lamps),
    shot(
        AiOutput,
        "ai-crystal-bottle",
        "",
        "Star in a crystal bottle",
        "水晶瓶中的星星",
        fantasy::crystal_bottle,
    ),
    shot(
        AiOutput,
        "ai-desert-kettle",
        "",
        "Giant kettle in the desert",
        "沙漠中的巨壶",
        fantasy::desert_kettle,
    ),
    shot(AiOutput, "ai-mug-tower", "", "Impossible mug tower", "不可能的杯塔", fantasy::mug_tower),
    shot(AiOutput, "ai-neon-headphones", "", "Neon headphones", "霓虹耳机", fantasy::neon_headphones),
    shot(AiOutput, "ai-planet-bowl", "", "Bowl of planets", "盛满行星的碗", fantasy::planet_bowl),
    shot(AiOutput, "ai-ribbon-vase", "", "Swirled vase", "旋纹花瓶", fantasy::ribbon_vase),
    shot(AiOutput, "ai-lace-egg", "", "Lace porcelain lantern", "镂空瓷灯", fantasy::lace_egg),
    shot(
        Unregistered,
        "buyer-mug-on-sill",
        "striped-mug",
        "Mug on a window sill",
        "窗台上的马克杯",
        buyer::mug_on_sill,
    ),
    shot(
        Unregistered,
        "buyer-vase-on-shelf",
        "celadon-vase",
        "Vase on a shelf",
        "置物架上的花瓶",
        buyer::vase_on_shelf,
    ),
    shot(
        Unregistered,
        "buyer-breakfast",
        "plate-set",
        "Breakfast from above",
        "俯拍早餐桌",
        buyer::breakfast_from_above,
    ),
    shot(Unregistered, "buyer-umbrella", "", "Umbrella in the hall", "玄关里的雨伞", buyer::umbrella_in_hall),
    shot(Unregistered, "buyer-phone", "", "Phone on a desk", "书桌上的手机", buyer::phone_on_desk),
];

/// Every picture the studio can render, listings first. Names are unique.
#[must_use]
pub fn catalogue() -> &'static [Shot] {
    &SHOTS
}

/// Renders a picture: 1024 x 1024, 1280 x 960 or 960 x 1280 pixels, the same bytes each time.
#[must_use]
pub fn render(shot: &Shot) -> RgbImage {
    render_small(shot, 1)
}

/// Renders a picture with both sides divided by `divisor` (at least 1): a quick preview, not a scaled copy.
#[must_use]
pub fn render_small(shot: &Shot, divisor: u32) -> RgbImage {
    // The film grain differs from picture to picture, but hangs on the name alone.
    let seed = shot.name.bytes().fold(2_166_136_261_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619));
    let mut scene = (shot.build)();
    let divisor = divisor.max(1);
    scene.size = ((scene.size.0 / divisor).max(1), (scene.size.1 / divisor).max(1));
    render::render(&scene, seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_fits_the_mask_of_a_ray() {
        for shot in catalogue() {
            let groups = (shot.build)().group_count();
            assert!((1..128).contains(&groups), "{} has {groups} groups", shot.name);
        }
    }
}
