//! The words of the pages, in Chinese and English: object, fact, remedy; no excuses and no
//! exclamation marks. Every text of a page stands here, so that both languages say the same.

use jiff::civil::Date;
use lujiang_config::ScreenLanguage;

/// One language's fixed texts.
#[derive(Debug)]
pub(crate) struct Labels {
    /// Name of the page.
    pub(crate) shelf: &'static str,
    /// The other language, in its own words.
    pub(crate) other_language: &'static str,
    /// The search field.
    pub(crate) search: &'static str,
    /// In it.
    pub(crate) search_hint: &'static str,
    /// The keys.
    pub(crate) initials: &'static str,
    /// Takes the last letter back.
    pub(crate) erase: &'static str,
    /// Takes the search back.
    pub(crate) clear: &'static str,
    /// All languages.
    pub(crate) all_languages: &'static str,
    /// Pages of the shelf.
    pub(crate) pages: &'static str,
    /// Pages of the shelf.
    pub(crate) previous_page: &'static str,
    /// Pages of the shelf.
    pub(crate) next_page: &'static str,
    /// Nothing is found.
    pub(crate) nothing_found: &'static str,
    /// What to do then.
    pub(crate) nothing_found_remedy: &'static str,
    /// Before the first release.
    pub(crate) no_books: &'static str,
    /// What will be.
    pub(crate) no_books_remedy: &'static str,
    /// To the shelf.
    pub(crate) back: &'static str,
    /// Opens the book.
    pub(crate) read: &'static str,
    /// Who wrote it.
    pub(crate) author: &'static str,
    /// Who brought it out.
    pub(crate) publisher: &'static str,
    /// Its language.
    pub(crate) language: &'static str,
    /// Until when it may be read.
    pub(crate) licensed_until: &'static str,
    /// Above the code.
    pub(crate) on_phone: &'static str,
    /// Below the code.
    pub(crate) on_phone_how: &'static str,
    /// No_License.
    pub(crate) lapsed: &'static str,
    /// What to do then.
    pub(crate) lapsed_remedy: &'static str,
    /// Limit_Exceeded.
    pub(crate) all_copies_read: &'static str,
    /// What to do then.
    pub(crate) all_copies_read_remedy: &'static str,
    /// The file is not what it should be.
    pub(crate) unreadable: &'static str,
    /// What to do then.
    pub(crate) unreadable_remedy: &'static str,
    /// No such page.
    pub(crate) not_found: &'static str,
    /// A change from another page.
    pub(crate) not_from_here: &'static str,
    /// No answer in time.
    pub(crate) took_long: &'static str,
    /// What to do then.
    pub(crate) again: &'static str,
    /// Table of contents.
    pub(crate) contents: &'static str,
    /// To the page that is read.
    pub(crate) go_on: &'static str,
    /// Smaller letters.
    pub(crate) smaller: &'static str,
    /// Larger letters.
    pub(crate) larger: &'static str,
    /// Documents of a book.
    pub(crate) previous_chapter: &'static str,
    /// Documents of a book.
    pub(crate) next_chapter: &'static str,
    /// Closes the book.
    pub(crate) close: &'static str,
    /// Pages within a document.
    pub(crate) turn_back: &'static str,
    /// Pages within a document.
    pub(crate) turn_on: &'static str,
    /// Asked on idle.
    pub(crate) still_there: &'static str,
    /// Before the seconds.
    pub(crate) ends_in: &'static str,
    /// After the seconds.
    pub(crate) seconds: &'static str,
    /// The answer.
    pub(crate) stay: &'static str,
    /// The other answer.
    pub(crate) leave: &'static str,
    /// Before the hours.
    pub(crate) open: &'static str,
    /// Name of the right-hand page.
    pub(crate) announcements: &'static str,
}

const CHINESE: Labels = Labels {
    shelf: "电子书架",
    other_language: "English",
    search: "查找",
    search_hint: "书名、作者或拼音首字母",
    initials: "拼音首字母",
    erase: "删一个字母",
    clear: "清除",
    all_languages: "全部语言",
    pages: "翻页",
    previous_page: "上一页",
    next_page: "下一页",
    nothing_found: "没有找到这样的书",
    nothing_found_remedy: "换几个字母，或清除后看全部书目。",
    no_books: "书目还没有送到",
    no_books_remedy: "送到后会自动出现在这里。",
    back: "回到书架",
    read: "阅读",
    author: "作者",
    publisher: "出版者",
    language: "语言",
    licensed_until: "可读至",
    on_phone: "在手机上借阅",
    on_phone_how: "用手机扫一扫",
    lapsed: "授权已到期",
    lapsed_remedy: "这本书现在不能阅读，请选别的书。",
    all_copies_read: "这本书正有读者在读",
    all_copies_read_remedy: "授权的册数都在使用中，请稍后再来，或选别的书。",
    unreadable: "这本书打不开",
    unreadable_remedy: "文件有误，已记入日志，请选别的书。",
    not_found: "没有这一页",
    not_from_here: "这个操作不是从本页发出的",
    took_long: "没有及时得到回答",
    again: "请再试一次。",
    contents: "目录",
    go_on: "继续阅读",
    smaller: "字小一点",
    larger: "字大一点",
    previous_chapter: "上一章",
    next_chapter: "下一章",
    close: "合上书",
    turn_back: "上一页",
    turn_on: "下一页",
    still_there: "还在看吗？",
    ends_in: "",
    seconds: "秒后回到书架",
    stay: "继续看",
    leave: "回到书架",
    open: "开放时间",
    announcements: "公告",
};

const ENGLISH: Labels = Labels {
    shelf: "Book shelf",
    other_language: "中文",
    search: "Find",
    search_hint: "Title, author or pinyin initials",
    initials: "Pinyin initials",
    erase: "Erase one letter",
    clear: "Clear",
    all_languages: "All languages",
    pages: "Pages",
    previous_page: "Previous page",
    next_page: "Next page",
    nothing_found: "No such book",
    nothing_found_remedy: "Try other letters, or clear to see all titles.",
    no_books: "No titles have arrived yet",
    no_books_remedy: "They will appear here by themselves.",
    back: "Back to the shelf",
    read: "Read",
    author: "Author",
    publisher: "Publisher",
    language: "Language",
    licensed_until: "Readable until",
    on_phone: "Borrow on a phone",
    on_phone_how: "Scan with a phone",
    lapsed: "Licence ended",
    lapsed_remedy: "This title cannot be read now; please choose another.",
    all_copies_read: "Somebody is reading this title",
    all_copies_read_remedy: "All licensed copies are in use. Come back later, or choose another.",
    unreadable: "This title cannot be opened",
    unreadable_remedy: "Its file is faulty, which is in the log now. Please choose another.",
    not_found: "No such page",
    not_from_here: "This did not come from our page",
    took_long: "No answer in time",
    again: "Please try again.",
    contents: "Contents",
    go_on: "Go on reading",
    smaller: "Smaller letters",
    larger: "Larger letters",
    previous_chapter: "Previous chapter",
    next_chapter: "Next chapter",
    close: "Close the book",
    turn_back: "Previous page",
    turn_on: "Next page",
    still_there: "Still there?",
    ends_in: "Back to the shelf in",
    seconds: "s",
    stay: "Go on",
    leave: "Back to the shelf",
    open: "Open",
    announcements: "Announcements",
};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The fixed texts.
pub(crate) fn labels(language: ScreenLanguage) -> &'static Labels {
    match language {
        ScreenLanguage::Chinese => &CHINESE,
        ScreenLanguage::English => &ENGLISH,
    }
}

/// A text in the language of whoever reads it.
pub(crate) fn choose<T>(language: ScreenLanguage, chinese: T, english: T) -> T {
    match language {
        ScreenLanguage::Chinese => chinese,
        ScreenLanguage::English => english,
    }
}

/// As it stands in `lang`: without a region a browser may draw Japanese forms.
pub(crate) fn html_language(language: ScreenLanguage) -> &'static str {
    choose(language, "zh-CN", "en")
}

/// As a page is asked for it, and as it is remembered.
pub(crate) fn code(language: ScreenLanguage) -> &'static str {
    choose(language, "zh", "en")
}

/// A day, with its year only where that is another than `today`'s.
pub(crate) fn day(language: ScreenLanguage, day: Date, today: Date) -> String {
    let (year, month, of_month) = (day.year(), day.month(), day.day());
    let name = MONTHS[usize::try_from(month - 1).unwrap_or(0)];
    let is_this_year = year == today.year();
    match language {
        ScreenLanguage::Chinese if is_this_year => format!("{month}月{of_month}日"),
        ScreenLanguage::Chinese => format!("{year}年{month}月{of_month}日"),
        ScreenLanguage::English if is_this_year => format!("{of_month} {name}"),
        ScreenLanguage::English => format!("{of_month} {name} {year}"),
    }
}

/// When the shelf last changed.
pub(crate) fn updated(language: ScreenLanguage, day: &str) -> String {
    choose(
        language,
        format!("书目更新于{day}"),
        format!("Titles as of {day}"),
    )
}

/// Which page of how many, of how many titles.
pub(crate) fn page_of(
    language: ScreenLanguage,
    page: usize,
    pages: usize,
    titles: usize,
) -> String {
    choose(
        language,
        format!("第 {page} 页，共 {pages} 页 · {titles} 种"),
        format!("Page {page} of {pages} · {titles} titles"),
    )
}

/// Which document of how many.
pub(crate) fn chapter_of(language: ScreenLanguage, chapter: usize, chapters: usize) -> String {
    choose(
        language,
        format!("第 {chapter} 章，共 {chapters} 章"),
        format!("Chapter {chapter} of {chapters}"),
    )
}

/// Which page of how many.
pub(crate) fn sheet_of(language: ScreenLanguage, page: usize, pages: usize) -> String {
    choose(
        language,
        format!("第 {page} 页，共 {pages} 页"),
        format!("Page {page} of {pages}"),
    )
}

/// A heading the book does not name.
pub(crate) fn chapter(language: ScreenLanguage, chapter: usize) -> String {
    choose(
        language,
        format!("第 {chapter} 章"),
        format!("Chapter {chapter}"),
    )
}

/// A language of a book, by its tag.
pub(crate) fn language_name(language: ScreenLanguage, tag: &str) -> String {
    let primary = tag.split('-').next().unwrap_or(tag).to_ascii_lowercase();
    let (chinese, english) = match primary.as_str() {
        "zh" => ("中文", "Chinese"),
        "en" => ("英文", "English"),
        "ja" => ("日文", "Japanese"),
        "ko" => ("韩文", "Korean"),
        "fr" => ("法文", "French"),
        "de" => ("德文", "German"),
        "ru" => ("俄文", "Russian"),
        "es" => ("西班牙文", "Spanish"),
        _ => return tag.to_owned(),
    };
    choose(language, chinese, english).to_owned()
}
