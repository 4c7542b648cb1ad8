//! The words of a book: a title, its author, chapters, and the pages EPUB 3 wants them on.

use std::fmt::Write as _;
use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::Book;

const PLACES: [&str; 20] = [
    "渌江", "醴陵", "湘东", "洞庭", "南岭", "罗霄", "株洲", "沩山", "官庄", "明月", "东岗", "李畋",
    "潇湘", "长沙", "衡岳", "武陵", "桃源", "岳麓", "汨罗", "浏阳",
];
const SUBJECTS: [&str; 20] = [
    "纪事", "瓷话", "夜航", "草木", "旧闻", "书简", "山歌", "水利", "烟花", "农谚", "食单", "医案",
    "童谣", "画谱", "棋谱", "方言", "游记", "地名", "桥梁", "茶经",
];
const EDITIONS: [&str; 6] = ["", "新编", "图说", "选读", "续集", "随笔"];
const SURNAMES: [&str; 16] = [
    "李", "王", "张", "刘", "陈", "杨", "黄", "吴", "周", "欧阳", "何", "郭", "罗", "宋", "谢",
    "唐",
];
const GIVEN: [&str; 16] = [
    "明远", "文静", "建国", "晓燕", "立群", "思齐", "海涛", "玉兰", "德胜", "子涵", "国华", "春梅",
    "志强", "雨桐", "长庚", "静怡",
];
const PUBLISHERS: [&str; 3] = ["渌江出版社", "湘东文艺出版社", "南岭科学技术出版社"];
const PHRASES: [&str; 14] = [
    "江水从城东流过",
    "老人们在桥头下棋",
    "窑火烧了三天三夜",
    "春雨之后茶山一片新绿",
    "孩子们背着书包走过石板路",
    "船家把灯挂在桅杆上",
    "流动图书车停在学校门口",
    "稻田里传来蛙声",
    "她把信折好放进书里",
    "烟花在河对岸升起来",
    "匠人用手指试泥料的软硬",
    "祠堂前的樟树又落了一地叶子",
    "夜里的风带着橘子的香气",
    "图书室的灯一直亮到九点",
];

/// Draws words, the same for the same book of the same seed.
pub(super) struct Words {
    seed: u64,
    number: u32,
    dice: StdRng,
}

/// The ISBN of a book; no two numbers of one seed share one.
#[must_use]
pub fn isbn_of(seed: u64, number: u32) -> String {
    // 9787 is China; eight digits are left before the check digit. 7,919 has no factor in common
    // with 10^8, so that each number goes to another place.
    let place = (seed.wrapping_mul(104_729) % 100_000_000 + u64::from(number) * 7_919)
        .rem_euclid(100_000_000);
    let body = format!("9787{place:08}");
    let weigh = |(at, digit): (usize, char)| digit.to_digit(10).unwrap_or(0) * [1, 3][at % 2];
    let sum: u32 = body.chars().enumerate().map(weigh).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

impl Words {
    pub(super) fn new(seed: u64, number: u32) -> Self {
        let dice = StdRng::seed_from_u64(seed.rotate_left(17) ^ u64::from(number));
        Self { seed, number, dice }
    }

    pub(super) fn book(&mut self, file: &Path) -> Book {
        // By number and not by chance: the first 2,400 titles differ.
        let number = self.number as usize;
        let place = PLACES[number % 20];
        let subject = SUBJECTS[(number / 20 + number) % 20];
        let edition = EDITIONS[(number / 400) % 6];
        let writers = self.dice.random_range(1..=2);
        let authors = (0..writers)
            .map(|_| format!("{}{}", self.pick(&SURNAMES), self.pick(&GIVEN)))
            .collect();
        Book {
            file: file.to_owned(),
            title: format!("{place}{subject}{edition}"),
            authors,
            language: "zh-CN".into(),
            publisher: self.pick(&PUBLISHERS).into(),
            description: format!("{}，{}。", self.pick(&PHRASES), self.pick(&PHRASES)),
            isbn: isbn_of(self.seed, self.number),
            bytes: 0,
        }
    }

    pub(super) fn package(&self, book: &Book, chapters: usize, pictures: usize) -> String {
        let mut creators = String::new();
        for author in &book.authors {
            let _ = writeln!(creators, "    <dc:creator>{author}</dc:creator>");
        }
        let mut items = String::new();
        let mut spine = String::new();
        for chapter in 1..=chapters {
            let _ = writeln!(
                items,
                r#"    <item id="c{chapter}" href="chapter-{chapter}.xhtml" media-type="application/xhtml+xml"/>"#
            );
            let _ = writeln!(spine, r#"    <itemref idref="c{chapter}"/>"#);
        }
        for picture in 0..pictures {
            let _ = writeln!(
                items,
                r#"    <item id="p{picture}" href="picture-{picture}.png" media-type="image/png"/>"#
            );
        }
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="isbn" xml:lang="{language}">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:identifier id="isbn">urn:isbn:{isbn}</dc:identifier>
    <dc:title>{title}</dc:title>
{creators}    <dc:language>{language}</dc:language>
    <dc:publisher>{publisher}</dc:publisher>
    <dc:description>{description}</dc:description>
    <meta property="dcterms:modified">2026-01-01T00:00:00Z</meta>
  </metadata>
  <manifest>
    <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
    <item id="cover" href="cover.png" media-type="image/png" properties="cover-image"/>
{items}  </manifest>
  <spine>
{spine}  </spine>
</package>
"#,
            language = book.language,
            isbn = book.isbn,
            title = book.title,
            publisher = book.publisher,
            description = book.description,
        )
    }

    pub(super) fn navigation(&self, chapters: usize) -> String {
        let mut lines = String::new();
        for chapter in 1..=chapters {
            let _ = writeln!(
                lines,
                r#"<li><a href="chapter-{chapter}.xhtml">第 {chapter} 章</a></li>"#
            );
        }
        page(
            "目录",
            &format!(r#"<nav epub:type="toc"><h1>目录</h1><ol>{lines}</ol></nav>"#),
        )
    }

    pub(super) fn chapter(
        &mut self,
        chapter: usize,
        pictures: impl Iterator<Item = usize>,
    ) -> String {
        let heading = format!("第 {chapter} 章");
        let mut body = format!("<h1>{heading}</h1>\n");
        for picture in pictures {
            let _ = writeln!(
                body,
                r#"<p><img src="picture-{picture}.png" alt="插图"/></p>"#
            );
        }
        for _ in 0..12 {
            let sentences: Vec<_> = (0..5)
                .map(|_| format!("{}，{}。", self.pick(&PHRASES), self.pick(&PHRASES)))
                .collect();
            let _ = writeln!(body, "<p>{}</p>", sentences.concat());
        }
        page(&heading, &body)
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from.choose(&mut self.dice).copied().unwrap_or_default()
    }
}

fn page(title: &str, body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="zh-CN" xml:lang="zh-CN">
<head><title>{title}</title></head>
<body>
{body}
</body>
</html>
"#
    )
}
