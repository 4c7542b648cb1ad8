//! The fixed texts of the page.

use lujiang_config::DeskLanguage;

use super::choose;

/// One language's fixed texts.
#[derive(Debug)]
pub(crate) struct Labels {
    /// The page's name.
    pub(crate) desk: &'static str,
    /// F1.
    pub(crate) lend: &'static str,
    /// F2.
    pub(crate) take_back: &'static str,
    /// F3.
    pub(crate) renew: &'static str,
    /// F4.
    pub(crate) undo_last: &'static str,
    /// Undo one line.
    pub(crate) undo: &'static str,
    /// A line that was undone.
    pub(crate) undone: &'static str,
    /// The fifth key.
    pub(crate) close_stop: &'static str,
    /// Lets the next reader come.
    pub(crate) next_reader: &'static str,
    /// Nobody is at the desk.
    pub(crate) no_reader: &'static str,
    /// In place of the reader while items come back.
    pub(crate) no_reader_needed: &'static str,
    /// Before the end of a card.
    pub(crate) reader: &'static str,
    /// Before its last characters.
    pub(crate) ends_in: &'static str,
    /// Label of the scan field.
    pub(crate) ask_reader: &'static str,
    /// Label of the scan field.
    pub(crate) ask_item: &'static str,
    /// In the empty scan field.
    pub(crate) scanner_ready: &'static str,
    /// Shows the system's keyboard.
    pub(crate) keyboard: &'static str,
    /// Sends what was typed.
    pub(crate) enter: &'static str,
    /// A stutter.
    pub(crate) repeated: &'static str,
    /// An input method stands between scanner and page.
    pub(crate) input_method: &'static str,
    /// The agent is gone.
    pub(crate) no_answer: &'static str,
    /// A scan got no answer.
    pub(crate) unsure: &'static str,
    /// What to do then.
    pub(crate) unsure_remedy: &'static str,
    /// Head of the list.
    pub(crate) this_visit: &'static str,
    /// Count of the stop.
    pub(crate) this_stop: &'static str,
    /// The empty list.
    pub(crate) nothing_yet: &'static str,
    /// Before a barcode.
    pub(crate) barcode: &'static str,
    /// The page of block loans.
    pub(crate) blocks: &'static str,
    /// The page of command barcodes.
    pub(crate) commands: &'static str,
    /// Link.
    pub(crate) back: &'static str,
    /// Switches the language, named in the other one.
    pub(crate) other_language: &'static str,
    /// The link.
    pub(crate) online: &'static str,
    /// The link.
    pub(crate) offline: &'static str,
    /// The link while it drains.
    pub(crate) catching_up: &'static str,
    /// The one red word of the strip.
    pub(crate) full: &'static str,
    /// Facts that wait.
    pub(crate) waiting: &'static str,
    /// Unit of facts.
    pub(crate) facts: &'static str,
    /// Nothing waits.
    pub(crate) all_sent: &'static str,
    /// Age of the oldest.
    pub(crate) oldest: &'static str,
    /// Count before it.
    pub(crate) conflicts: &'static str,
    /// The page of the link.
    pub(crate) sync: &'static str,
    /// The opening page.
    pub(crate) open_title: &'static str,
    /// From the papers.
    pub(crate) planned: &'static str,
    /// None.
    pub(crate) no_plans: &'static str,
    /// Fills the form.
    pub(crate) choose_plan: &'static str,
    /// Beside a date.
    pub(crate) today: &'static str,
    /// 活动地点
    pub(crate) place: &'static str,
    /// 流动服务单位
    pub(crate) unit: &'static str,
    /// 活动内容
    pub(crate) occasion: &'static str,
    /// 册数
    pub(crate) volumes: &'static str,
    /// Beside a label.
    pub(crate) optional: &'static str,
    /// Button.
    pub(crate) open_now: &'static str,
    /// The closing page.
    pub(crate) close_title: &'static str,
    /// 参与人数
    pub(crate) participants: &'static str,
    /// Below the field.
    pub(crate) participants_hint: &'static str,
    /// Below the field.
    pub(crate) volumes_hint: &'static str,
    /// Button.
    pub(crate) close_now: &'static str,
    /// Link.
    pub(crate) not_yet: &'static str,
    /// A time.
    pub(crate) opened_at: &'static str,
    /// A count.
    pub(crate) lent: &'static str,
    /// A count.
    pub(crate) returned: &'static str,
    /// A count.
    pub(crate) renewed: &'static str,
    /// After closing.
    pub(crate) closed: &'static str,
    /// Unit.
    pub(crate) items: &'static str,
    /// A field.
    pub(crate) not_a_number: &'static str,
    /// A field.
    pub(crate) not_a_label: &'static str,
    /// Below the title.
    pub(crate) block_intro: &'static str,
    /// Choice.
    pub(crate) block_lend: &'static str,
    /// Choice.
    pub(crate) block_return: &'static str,
    /// Choice.
    pub(crate) bus_load: &'static str,
    /// Choice.
    pub(crate) bus_unload: &'static str,
    /// Field.
    pub(crate) institution: &'static str,
    /// Field.
    pub(crate) list: &'static str,
    /// Below the field.
    pub(crate) list_hint: &'static str,
    /// Button.
    pub(crate) check: &'static str,
    /// Button.
    pub(crate) check_again: &'static str,
    /// Button.
    pub(crate) leave_out: &'static str,
    /// Button, before a count.
    pub(crate) confirm_lend: &'static str,
    /// Button, before a count.
    pub(crate) confirm_return: &'static str,
    /// Count.
    pub(crate) good_items: &'static str,
    /// Table.
    pub(crate) troubles: &'static str,
    /// Items that come back and are in no block.
    pub(crate) strangers: &'static str,
    /// What happens to them.
    pub(crate) strangers_hint: &'static str,
    /// Before the name of a block that comes back in part.
    pub(crate) stays_out: &'static str,
    /// What happens to what is missing.
    pub(crate) stays_out_hint: &'static str,
    /// Column.
    pub(crate) line: &'static str,
    /// Column.
    pub(crate) problem: &'static str,
    /// Title.
    pub(crate) receipt: &'static str,
    /// Label.
    pub(crate) undo_item: &'static str,
    /// Beside it.
    pub(crate) undo_item_hint: &'static str,
    /// Name.
    pub(crate) block_name: &'static str,
    /// Label.
    pub(crate) date: &'static str,
    /// Label.
    pub(crate) count: &'static str,
    /// Print.
    pub(crate) signature: &'static str,
    /// Button.
    pub(crate) print: &'static str,
    /// List.
    pub(crate) open_blocks: &'static str,
    /// Empty.
    pub(crate) no_blocks: &'static str,
    /// Button.
    pub(crate) return_this: &'static str,
    /// Help.
    pub(crate) by_name_or_list: &'static str,
    /// Head.
    pub(crate) or_list: &'static str,
    /// A draft of before a restart.
    pub(crate) draft_gone: &'static str,
    /// The last item of a block was undone.
    pub(crate) last_undone: &'static str,
    /// Label.
    pub(crate) last_sync: &'static str,
    /// No sync yet.
    pub(crate) never: &'static str,
    /// Label.
    pub(crate) link: &'static str,
    /// Head.
    pub(crate) came_back: &'static str,
    /// Empty.
    pub(crate) no_conflicts: &'static str,
    /// Below.
    pub(crate) conflict_hint: &'static str,
    /// Column.
    pub(crate) item: &'static str,
    /// Column.
    pub(crate) time: &'static str,
    /// Help.
    pub(crate) commands_hint: &'static str,
    /// Label.
    pub(crate) papers_as_of: &'static str,
    /// Papers.
    pub(crate) no_papers: &'static str,
    /// 404.
    pub(crate) not_found: &'static str,
    /// 403.
    pub(crate) not_from_here: &'static str,
    /// 503.
    pub(crate) took_long: &'static str,
    /// Papers.
    pub(crate) has_papers: &'static str,
    /// Link.
    pub(crate) cancel: &'static str,
    /// Label.
    pub(crate) due: &'static str,
}

/// The fixed texts of a language.
pub(crate) fn labels(language: DeskLanguage) -> &'static Labels {
    choose(language, &CHINESE, &ENGLISH)
}

const CHINESE: Labels = Labels {
    desk: "借还台",
    lend: "借出",
    take_back: "归还",
    renew: "续借",
    undo_last: "撤销上一条",
    undo: "撤销",
    undone: "已撤销",
    close_stop: "结束本站",
    next_reader: "换读者",
    no_reader: "尚未扫读者证",
    no_reader_needed: "归还不用读者证",
    reader: "读者",
    ends_in: "尾号",
    ask_reader: "请扫读者证",
    ask_item: "请扫图书条码",
    scanner_ready: "扫码枪就绪",
    keyboard: "屏幕键盘",
    enter: "录入",
    repeated: "同一条码连扫两次，只算一次。",
    input_method: "输入法开着：已按键位读取条码。请按 Shift 或 Ctrl+空格 关掉输入法。",
    no_answer: "借还台没有响应，正在重新连接",
    unsure: "没有得到回应，可能没有写入",
    unsure_remedy: "请看右侧清单；没有这一条，就再扫一次。",
    this_visit: "本次",
    this_stop: "本站借出",
    nothing_yet: "还没有借还",
    barcode: "条码",
    blocks: "整借整还",
    commands: "指令码",
    back: "返回借还台",
    other_language: "English",
    online: "已联网",
    offline: "未联网，照常借还",
    catching_up: "补传中",
    full: "存储已满，停止借还",
    waiting: "待传",
    facts: "条",
    all_sent: "已全部送达",
    oldest: "最早",
    conflicts: "条冲突退回",
    sync: "传输情况",
    open_title: "开站",
    planned: "计划中的停靠",
    no_plans: "馆里还没有下发停靠计划；可直接填写。",
    choose_plan: "填入",
    today: "今天",
    place: "地点",
    unit: "服务单位",
    occasion: "活动内容",
    volumes: "携带册数",
    optional: "可不填",
    open_now: "开始借还",
    close_title: "结束本站",
    participants: "参与人数",
    participants_hint: "到场的人，包括没有借书的。不知道可不填。",
    volumes_hint: "如与开站时不同，请改正。",
    close_now: "结束本站",
    not_yet: "不结束，继续借还",
    opened_at: "开站时间",
    lent: "借出",
    returned: "归还",
    renewed: "续借",
    closed: "本站已结束",
    items: "册",
    not_a_number: "请填 0 到 1000000 的整数",
    not_a_label: "请填 1 到 200 个字",
    block_intro: "一次借出或归还许多册：要么全部写入，要么一册也不写。",
    block_lend: "整批借出",
    block_return: "整批归还",
    bus_load: "装车",
    bus_unload: "卸车",
    institution: "借书单位的证",
    list: "条码清单，每行一个",
    list_hint: "可连续扫码，也可粘贴。空行不计；全角数字会改成半角。",
    check: "核对",
    check_again: "改正后再核对",
    leave_out: "不要有问题的行，继续",
    confirm_lend: "确认借出",
    confirm_return: "确认归还",
    good_items: "可办理",
    troubles: "有问题的行",
    strangers: "不在任何整借清单中",
    strangers_hint: "这些条码不是从这里整借出去的。确认后照常归还；请先核对是否扫错。",
    stays_out: "仍在外：",
    stays_out_hint: "清单里没有这些条码，它们不会归还。书若已经回来，请补扫后再确认。",
    line: "行",
    problem: "问题",
    receipt: "整批凭据",
    undo_item: "撤销其中一册",
    undo_item_hint: "扫描写错的那个条码：只撤销这一册，其余不变。",
    block_name: "批次名",
    date: "日期",
    count: "册数",
    signature: "经手人 / 接收人签名",
    print: "打印",
    open_blocks: "未还的整批",
    no_blocks: "本机没有未还的整批。",
    return_this: "整批归还",
    by_name_or_list: "选一个批次归还，或按清单归还一部分。",
    or_list: "按清单归还",
    draft_gone: "这份清单已不在，请重新录入。",
    last_undone: "已撤销；这一批没有在外的图书了。",
    last_sync: "上次送达",
    never: "还没有",
    link: "网络",
    came_back: "退回的冲突",
    no_conflicts: "没有退回的冲突。",
    conflict_hint: "由馆员在总馆裁定，车上不用处理。",
    item: "图书",
    time: "时间",
    commands_hint: "打印后放在借还台旁，用扫码枪扫，等于按键。",
    papers_as_of: "借阅资料",
    no_papers: "没有，不能借出",
    not_found: "没有这一页",
    not_from_here: "这个请求不是本页发出的，没有执行。",
    took_long: "没有及时完成",
    has_papers: "有，可以离线借出",
    cancel: "取消",
    due: "应还",
};

const ENGLISH: Labels = Labels {
    desk: "Bus desk",
    lend: "Lend",
    take_back: "Return",
    renew: "Renew",
    undo_last: "Undo last",
    undo: "Undo",
    undone: "Undone",
    close_stop: "Close the stop",
    next_reader: "Next reader",
    no_reader: "No reader yet",
    no_reader_needed: "Returns need no card",
    reader: "Reader",
    ends_in: "ending",
    ask_reader: "Scan a reader's card",
    ask_item: "Scan an item",
    scanner_ready: "Scanner ready",
    keyboard: "On-screen keyboard",
    enter: "Enter",
    repeated: "The same code came twice and was taken once.",
    input_method: "An input method is on: the code was read from the keys. Turn it off.",
    no_answer: "The desk does not answer; connecting again",
    unsure: "No answer: it may not be written",
    unsure_remedy: "Look at the list; if it is not there, scan it again.",
    this_visit: "This reader",
    this_stop: "Lent at this stop",
    nothing_yet: "Nothing yet",
    barcode: "Barcode",
    blocks: "Blocks",
    commands: "Commands",
    back: "Back to the desk",
    other_language: "中文",
    online: "On-line",
    offline: "Off-line, lending goes on",
    catching_up: "Catching up",
    full: "Storage full, desk stopped",
    waiting: "Waiting",
    facts: "facts",
    all_sent: "All delivered",
    oldest: "oldest",
    conflicts: "in conflict",
    sync: "Transfer",
    open_title: "Open a stop",
    planned: "Planned stops",
    no_plans: "No planned stops have come from the library; fill in the form.",
    choose_plan: "Use",
    today: "today",
    place: "Place",
    unit: "Served",
    occasion: "Occasion",
    volumes: "Volumes carried",
    optional: "optional",
    open_now: "Open the stop",
    close_title: "Close the stop",
    participants: "Participants",
    participants_hint: "Everybody who came, also without borrowing. Leave it empty if unknown.",
    volumes_hint: "Correct it where it was another than at the opening.",
    close_now: "Close the stop",
    not_yet: "Go on lending",
    opened_at: "Opened",
    lent: "Lent",
    returned: "Returned",
    renewed: "Renewed",
    closed: "The stop is closed",
    items: "items",
    not_a_number: "Expected a whole number from 0 to 1000000",
    not_a_label: "Expected 1 to 200 characters",
    block_intro: "Many items in one transaction: all of them are written, or none.",
    block_lend: "Lend as a block",
    block_return: "Return a block",
    bus_load: "Load the bus",
    bus_unload: "Unload the bus",
    institution: "The institution's card",
    list: "Barcodes, one a line",
    list_hint: "Scan one after the other, or paste. Blank lines do not count.",
    check: "Check",
    check_again: "Check again",
    leave_out: "Leave those lines out",
    confirm_lend: "Lend them",
    confirm_return: "Take them back",
    good_items: "Can be done",
    troubles: "Lines with a problem",
    strangers: "In no block lent here",
    strangers_hint: "These were not lent from here as a block. They are returned all the same; check first that none was scanned by mistake.",
    stays_out: "Stays out of",
    stays_out_hint: "These are not on the list and are not returned. If the books are back, scan them too before you confirm.",
    line: "Line",
    problem: "Problem",
    receipt: "Receipt",
    undo_item: "Undo one item",
    undo_item_hint: "Scan the barcode that was wrong: only this one is undone, the rest stays.",
    block_name: "Block",
    date: "Date",
    count: "Items",
    signature: "Signatures",
    print: "Print",
    open_blocks: "Blocks that are out",
    no_blocks: "No block lent at this desk is out.",
    return_this: "Return it",
    by_name_or_list: "Return a block by its name, or part of one by a list.",
    or_list: "Return by a list",
    draft_gone: "This list is gone; enter it again.",
    last_undone: "Undone; nothing of this block is out any more.",
    last_sync: "Last delivered",
    never: "Never",
    link: "Link",
    came_back: "Conflicts that came back",
    no_conflicts: "No conflicts came back.",
    conflict_hint: "The librarians decide on them; nothing is to be done on the bus.",
    item: "Item",
    time: "Time",
    commands_hint: "Print this and keep it at the desk: a scan is as good as a key.",
    papers_as_of: "Lending papers",
    no_papers: "None, nothing can be lent",
    not_found: "There is no such page",
    not_from_here: "This request does not come from this page; nothing was done.",
    took_long: "It did not end in time",
    has_papers: "There are some",
    cancel: "Cancel",
    due: "Due",
};
