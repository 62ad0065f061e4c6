/* SPDX-License-Identifier: MIT */
/* entrasql explain: what a number or a word of an error means, from the one catalogue. */
#include "cli/cli.h"

#include "base/catalog.h"
#include "base/nearest.h"
#include "base/str.h"
#include "doctor/cases.h"
#include "json/json.h"

#include <errno.h>
#include <string.h>

#define OUTPUT_MAX_BYTES (512 * 1024)
#define CODE_SIZE 40U
#define PART_LEAST 5U /* bytes of a message to be looked for */

/* Of a longer text the end counts: there programs say what they failed of. */
#define STREAM_KEPT_BYTES (64U * 1024U)

static const conf_option options[] = {
    {.name = "all", .type = CONF_OPTION_FLAG, .help = "list the whole catalogue"},
    {.name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command command = {
    .name = "entrasql explain",
    .summary = "Says what an error means and what to do about it.",
    .positionals = "WORD ... | MESSAGE | -",
    .max_positionals = CONF_POSITIONALS_MAX,
    .options = options,
    .notes = "WORD is a number of SQL Server (18456), of Entra (AADSTS700016, with or without\n"
             "the letters), a status of entrasql (TIMEOUT), or a diagnosis of the doctor\n"
             "(no-user). MESSAGE is the message of an error, whole or in part, as a log has it.\n"
             "In it each known number is explained once: from four digits on where it stands\n"
             "alone (18456, (40615)), shorter ones behind Msg, Error or Number (Msg 208).\n"
             "With -, or without a word where one pipes it in, the text is read from standard\n"
             "input: program 2>&1 | entrasql explain. Its last 64 KiB count.",
};

static const char *const kind_names[ES_CATALOG_KINDS] = {"sql", "aadsts", "status"};

typedef struct output {
    bool json;
    json_writer writer;
    es_buf text;
} output;

/* ---- one entry ---- */

typedef struct entry {
    const char *kind;
    const char *code;
    const char *piece;
    const char *seen;
    const char *group;
    bool passes;
    const char *cause;
    const char *hint;
} entry;

static entrasql_status say(output *o, const entry *e)
{
    if (o->json) {
        json_begin_object(&o->writer);
        json_member_put_string(&o->writer, "kind", e->kind);
        json_member_put_string(&o->writer, "code", e->code);
        json_member_put_string(&o->writer, "group", e->group);
        json_member_put_string(&o->writer, "message", e->seen);
        json_member_put_string(&o->writer, "messageHolds", e->piece);
        json_member_put_bool(&o->writer, "passesByItself", e->passes);
        json_member_put_string(&o->writer, "meaning", e->cause);
        json_member_put_string(&o->writer, "next", e->hint);
        json_end_object(&o->writer);
        return o->writer.status;
    }
    if (e->code != NULL)
        ES_TRY(es_buf_printf(&o->text, "%s", e->code));
    if (e->code == NULL)
        ES_TRY(es_buf_printf(&o->text, "\"%s\"", e->seen));
    else if (e->piece != NULL)
        ES_TRY(es_buf_printf(&o->text, " \"...%s...\"", e->piece));
    return es_buf_printf(&o->text, ": %s%s\n    -> %s\n", e->cause,
                         e->passes ? " (may pass by itself)" : "", e->hint);
}

static entrasql_status say_entry(output *o, es_catalog_kind kind, const es_catalog_entry *e)
{
    char code[40];
    if (kind == ES_CATALOG_STATUS)
        es_strlcpy_utf8(code, sizeof code, entrasql_status_name((entrasql_status)e->number));
    else
        (void)snprintf(code, sizeof code, "%s%u", kind == ES_CATALOG_AADSTS ? "AADSTS" : "",
                       (unsigned)e->number);
    return say(o,
               &(entry){kind_names[kind], code, e->text, e->seen, es_catalog_group(kind, e->number),
                        es_catalog_passes_alone(kind, e), e->cause, e->hint});
}

static entrasql_status say_case(output *o, const doctor_case *c)
{
    return say(o, &(entry){"diagnosis", c->id, NULL, NULL, "diagnosis", false, c->what, c->fix});
}

static entrasql_status say_message(output *o, const es_catalog_message *m)
{
    return say(o, &(entry){m->is_own ? "own message" : "message", NULL, m->piece, m->seen, m->group,
                           false, m->cause, m->hint});
}

static entrasql_status say_number(output *o, es_catalog_kind kind, uint32_t number, bool *found)
{
    size_t count;
    const es_catalog_entry *rows = es_catalog_rows(kind, &count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].number != number)
            continue;
        *found = true;
        ES_TRY(say_entry(o, kind, &rows[i]));
    }
    return ENTRASQL_OK;
}

/* ---- words ---- */

static bool status_of(const char *word, uint32_t *ret)
{
    for (unsigned i = ENTRASQL_NOMEM; i < ENTRASQL_STATUS_COUNT; i++) {
        if (es_strcaseeq(word, entrasql_status_name((entrasql_status)i))) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static entrasql_status explain_word(output *o, const char *word, bool *found)
{
    bool letters = es_strncaseeq(word, "AADSTS", 6);
    const char *digits = letters ? word + 6 : word;
    const doctor_case *c = doctor_case_find(word);
    const es_catalog_message *m = es_catalog_message_of_code(word);
    uint64_t number = 0;
    uint32_t status = 0;
    if (m != NULL) {
        *found = true;
        return say_message(o, m);
    }
    if (es_parse_u64(digits, strlen(digits), UINT32_MAX, &number) == ENTRASQL_OK) {
        if (!letters)
            ES_TRY(say_number(o, ES_CATALOG_SQL, (uint32_t)number, found));
        return say_number(o, ES_CATALOG_AADSTS, (uint32_t)number, found);
    }
    if (c != NULL) {
        *found = true;
        return say_case(o, c);
    }
    return status_of(word, &status) ? say_number(o, ES_CATALOG_STATUS, status, found) : ENTRASQL_OK;
}

/* ---- whole messages ---- */

/* What a text names or holds; sorted by where. */
typedef struct hit {
    size_t at;
    es_catalog_kind kind;
    const es_catalog_entry *row;
    const doctor_case *diagnosis; /* else a row */
} hit;

/* All rows and diagnoses are fewer, and each is there once. */
#define HITS_MAX 512U

typedef struct hits {
    hit list[HITS_MAX];
    size_t count;
} hits;

static void add_hit(hits *h, const hit *one)
{
    for (size_t i = 0; i < h->count; i++) {
        if (h->list[i].row == one->row && h->list[i].diagnosis == one->diagnosis)
            return;
    }
    size_t to = h->count;
    if (to == HITS_MAX)
        return;
    for (; to > 0 && h->list[to - 1].at > one->at; to--)
        h->list[to] = h->list[to - 1];
    h->list[to] = *one;
    h->count++;
}

static bool has_number(const hits *h, es_catalog_kind kind, uint32_t number)
{
    for (size_t i = 0; i < h->count; i++) {
        const hit *one = &h->list[i];
        if (one->row != NULL && one->kind == kind && one->row->number == number)
            return true;
    }
    return false;
}

static entrasql_status say_hits(output *o, const hits *h, bool *found)
{
    for (size_t i = 0; i < h->count; i++) {
        const hit *one = &h->list[i];
        *found = true;
        if (one->diagnosis != NULL)
            ES_TRY(say_case(o, one->diagnosis));
        else
            ES_TRY(say_entry(o, one->kind, one->row));
    }
    return ENTRASQL_OK;
}

#define FRAGMENT_LEAST 4U
#define PIECE_SCORE 100U

/* How many of the fixed parts of `seen`, between its names in quotes, are in the text; 0 without
   the first. */
static unsigned parts_in(const char *text, const char *seen)
{
    unsigned count = 0;
    while (*seen != '\0') {
        char part[200];
        size_t n = strcspn(seen, "'\"");
        if (n >= FRAGMENT_LEAST && n < sizeof part) {
            memcpy(part, seen, n);
            part[n] = '\0';
            if (es_str_holds(text, part))
                count++;
            else if (count == 0)
                return 0;
        }
        seen += n;
        const char *close = *seen != '\0' ? strchr(seen + 1, *seen) : NULL;
        if (close == NULL)
            break;
        seen = close + 1;
    }
    return count;
}

static unsigned score_of(const es_catalog_entry *row, const char *text)
{
    if (row->text != NULL)
        return es_str_holds(text, row->text) ? PIECE_SCORE : 0;
    return row->seen != NULL ? parts_in(text, row->seen) : 0;
}

/* Where the row's message is in the text. */
static size_t place_of(const es_catalog_entry *row, const char *text)
{
    char part[200];
    const char *piece = row->text;
    if (piece == NULL) {
        size_t n = strcspn(row->seen, "'\"");
        (void)snprintf(part, sizeof part, "%.*s", n < sizeof part ? (int)n : 0, row->seen);
        piece = part;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (es_strncaseeq(at, piece, strlen(piece)))
            return (size_t)(at - text);
    }
    return 0;
}

/* Of a number's rows those that fit the text best; all of them where none does. */
static void add_number(hits *h, es_catalog_kind kind, uint32_t number, const char *text, size_t at)
{
    size_t count;
    const es_catalog_entry *rows = es_catalog_rows(kind, &count);
    unsigned best = 0;
    if (has_number(h, kind, number))
        return;
    for (size_t i = 0; i < count; i++) {
        unsigned score = rows[i].number == number ? score_of(&rows[i], text) : 0;
        best = score > best ? score : best;
    }
    for (size_t i = 0; i < count; i++) {
        if (rows[i].number == number && score_of(&rows[i], text) == best)
            add_hit(h, &(hit){.at = at, .kind = kind, .row = &rows[i]});
    }
}

/* ---- the codes in a text ---- */

#define DIGITS_SURE 4U /* a shorter number is an error's only where a word says so */

static bool is_of_word(char c)
{
    return es_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-' || (unsigned char)c >= 0x80;
}

/* Whether one of the words ends right there, with marks or blanks between. */
static bool is_behind(const char *text, size_t at, const char *const *words, size_t count)
{
    while (at > 0 && strchr(" :#=('\"[", text[at - 1]) != NULL)
        at--;
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(words[i]);
        if (at >= n && es_strncaseeq(text + at - n, words[i], n))
            return true;
    }
    return false;
}

static bool is_error_number(const char *text, size_t at, size_t digits)
{
    static const char *const errors[] = {"Msg", "Error", "Number", "Error code", "ErrorCode"};
    static const char *const others[] = {"line", "port"};
    const char *end = text + at + digits;
    if (is_of_word(*end) || (*end == '.' && es_is_digit(end[1])))
        return false;
    if (is_behind(text, at, errors, ES_COUNT_OF(errors)))
        return true;
    return digits >= DIGITS_SURE && (at == 0 || strchr(" (['\"", text[at - 1]) != NULL) &&
           !is_behind(text, at, others, ES_COUNT_OF(others));
}

/* `m`: the catalogue's message that was found in the text; a number that it speaks of says no more.
 */
static void add_codes_of_word(hits *h, const char *text, size_t at, size_t n,
                              const es_catalog_message *m)
{
    char word[CODE_SIZE];
    uint64_t number = 0;
    bool letters = es_strncaseeq(text + at, "AADSTS", 6);
    size_t front = letters ? 6 : 0;
    size_t digits = strspn(text + at + front, "0123456789");

    if (n >= sizeof word)
        return;
    (void)snprintf(word, sizeof word, "%.*s", (int)n, text + at);
    const doctor_case *c = strchr(word, '-') != NULL ? doctor_case_find(word) : NULL;
    if (c != NULL)
        add_hit(h, &(hit){.at = at, .diagnosis = c});
    if (es_parse_u64(text + at + front, digits, UINT32_MAX, &number) != ENTRASQL_OK)
        return;
    if (letters) {
        add_number(h, ES_CATALOG_AADSTS, (uint32_t)number, text, at);
    } else if (is_error_number(text, at, digits) &&
               !(m != NULL && (es_str_holds(m->seen, word) || es_str_holds(m->cause, word)))) {
        add_number(h, ES_CATALOG_SQL, (uint32_t)number, text, at);
        add_number(h, ES_CATALOG_AADSTS, (uint32_t)number, text, at);
    }
}

/* Numbers of SQL Server and of Entra, and the doctor's words with a hyphen: others are English. */
static void find_codes(hits *h, const char *text, const es_catalog_message *m)
{
    for (size_t at = 0; text[at] != '\0';) {
        size_t n = 0;
        while (is_of_word(text[at + n]))
            n++;
        if (n != 0)
            add_codes_of_word(h, text, at, n, m);
        at += n != 0 ? n : 1;
    }
}

/* The rows of SQL Server's numbers that fit the message best; of one number the first. */
static void find_numbered(hits *h, const char *text)
{
    size_t count;
    const es_catalog_entry *rows = es_catalog_rows(ES_CATALOG_SQL, &count);
    unsigned best = 1;
    for (size_t i = 0; i < count; i++)
        best = score_of(&rows[i], text) > best ? score_of(&rows[i], text) : best;
    for (size_t i = 0; i < count; i++) {
        if (score_of(&rows[i], text) == best && !has_number(h, ES_CATALOG_SQL, rows[i].number))
            add_hit(h, &(hit){.at = place_of(&rows[i], text), .row = &rows[i]});
    }
    /* Else a piece of a message, without its names. */
    bool is_piece = h->count == 0 && strlen(text) >= PART_LEAST;
    for (size_t i = 0; is_piece && i < count; i++) {
        if (rows[i].seen != NULL && es_str_holds(rows[i].seen, text))
            add_hit(h, &(hit){.row = &rows[i]});
    }
}

/* A message as it was copied from a log, or a piece of one. */
static entrasql_status explain_message(output *o, const char *text, bool *found)
{
    size_t count;
    hits h = {.count = 0};
    const es_catalog_message *all = es_catalog_messages(&count);
    const es_catalog_message *m = es_catalog_message_find(text);

    find_codes(&h, text, m);
    find_numbered(&h, text);
    ES_TRY(say_hits(o, &h, found));
    for (size_t i = 0; i < count; i++) {
        bool is_part = strlen(text) >= PART_LEAST && es_str_holds(all[i].seen, text);
        /* A code says less than what was found in the message behind it. */
        if (&all[i] == m && *found && es_is_digit(m->piece[0]) && m->piece[1] != 'x')
            continue;
        if (&all[i] != m && !is_part)
            continue;
        *found = true;
        ES_TRY(say_message(o, &all[i]));
    }
    return ENTRASQL_OK;
}

static entrasql_status list_all(output *o)
{
    size_t count;
    for (unsigned kind = 0; kind < ES_CATALOG_KINDS; kind++) {
        const es_catalog_entry *rows = es_catalog_rows((es_catalog_kind)kind, &count);
        for (size_t i = 0; i < count; i++)
            ES_TRY(say_entry(o, (es_catalog_kind)kind, &rows[i]));
    }
    const es_catalog_message *messages = es_catalog_messages(&count);
    for (size_t i = 0; i < count; i++)
        ES_TRY(say_message(o, &messages[i]));
    const doctor_case *cases = doctor_cases(&count);
    for (size_t i = 0; i < count; i++)
        ES_TRY(say_case(o, &cases[i]));
    return ENTRASQL_OK;
}

/* The code that looks most like it, in `ret`. */
static void offer(es_nearest *near, const char *word, const char *code, char ret[CODE_SIZE])
{
    const char *before = near->word;

    es_nearest_offer(near, word, strlen(word), code);
    if (near->word == before)
        return;
    es_strlcpy_utf8(ret, CODE_SIZE, code);
    near->word = ret;
}

static bool find_near(const char *word, char ret[CODE_SIZE])
{
    es_nearest near = {0};
    size_t count;

    for (unsigned kind = ES_CATALOG_SQL; kind <= ES_CATALOG_AADSTS; kind++) {
        const es_catalog_entry *rows = es_catalog_rows((es_catalog_kind)kind, &count);
        for (size_t i = 0; i < count; i++) {
            char code[CODE_SIZE];
            bool letters = kind == ES_CATALOG_AADSTS && !es_is_digit(word[0]);
            (void)snprintf(code, sizeof code, "%s%u", letters ? "AADSTS" : "",
                           (unsigned)rows[i].number);
            offer(&near, word, code, ret);
        }
    }
    for (unsigned i = ENTRASQL_NOMEM; i < ENTRASQL_STATUS_COUNT; i++)
        offer(&near, word, entrasql_status_name((entrasql_status)i), ret);
    const doctor_case *cases = doctor_cases(&count);
    for (size_t i = 0; i < count; i++)
        offer(&near, word, cases[i].id, ret);
    return near.word != NULL;
}

static entrasql_status not_known(const char *word, entrasql_error *err)
{
    char shown[80];
    char near[CODE_SIZE];
    es_printable(shown, sizeof shown, word, strlen(word));
    if (strlen(word) < sizeof shown)
        es_fail(err, ENTRASQL_NOT_FOUND, "'%s' is not in the catalogue", shown);
    else
        es_fail(err, ENTRASQL_NOT_FOUND, "nothing of this text is in the catalogue");
    if (find_near(word, near))
        es_hint(err, "did you mean %s? entrasql explain --all lists what is", near);
    else
        es_hint(err, "entrasql explain --all lists what is; entrasql doctor looks at this machine");
    return ENTRASQL_NOT_FOUND;
}

static bool is_code(const char *word)
{
    const char *digits = es_strncaseeq(word, "AADSTS", 6) ? word + 6 : word;
    uint64_t number = 0;
    uint32_t status = 0;
    return es_parse_u64(digits, strlen(digits), UINT32_MAX, &number) == ENTRASQL_OK ||
           doctor_case_find(word) != NULL || status_of(word, &status);
}

/* ---- where the text is from ---- */

/* The words behind each other: one blank for what parts them in arguments or lines. */
static entrasql_status add_words(es_buf *text, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool is_gap = es_is_space(p[i]) || p[i] == '\0';
        if (is_gap && (text->len == 0 || text->data[text->len - 1] == ' '))
            continue;
        if (es_buf_u8(text, is_gap ? ' ' : (uint8_t)p[i]) != ENTRASQL_OK)
            return ENTRASQL_LIMIT;
    }
    return ENTRASQL_OK;
}

static entrasql_status read_stream(FILE *f, es_buf *text, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf read = ES_BUF_INIT(2 * STREAM_KEPT_BYTES);
    for (;;) {
        uint8_t *room = NULL;
        if (es_buf_prepare(&read, 4096, &room) != ENTRASQL_OK)
            return es_nomem(err);
        size_t n = fread(room, 1, 4096, f);
        es_buf_commit(&read, n);
        if (ferror(f) != 0)
            return es_fail_errno(err, errno, "cannot read standard input");
        if (read.len > STREAM_KEPT_BYTES)
            es_buf_consume(&read, read.len - STREAM_KEPT_BYTES);
        if (n == 0)
            break;
    }
    return add_words(text, (const char *)read.data, read.len) == ENTRASQL_OK ? ENTRASQL_OK
                                                                             : es_nomem(err);
}

static entrasql_status read_text(const cli_terminal *t, const conf_args *args, es_buf *text,
                                 entrasql_error *err)
{
    unsigned count = args->positional_count;
    bool by_stream =
        count == 0 ? !t->in_is_terminal : count == 1 && es_streq(args->positionals[0], "-");
    if (by_stream)
        ES_TRY(read_stream(t->in, text, err));
    for (unsigned i = 0; !by_stream && i < count; i++) {
        const char *word = args->positionals[i];
        if (add_words(text, " ", 1) != ENTRASQL_OK ||
            add_words(text, word, strlen(word)) != ENTRASQL_OK)
            return es_fail(err, ENTRASQL_LIMIT, "the message is too long");
    }
    while (text->len != 0 && text->data[text->len - 1] == ' ')
        es_buf_truncate(text, text->len - 1);
    if (text->len != 0)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID,
            by_stream ? "standard input holds no text" : "no word was given");
    es_hint(err, "entrasql explain 18456, entrasql explain \"MESSAGE\", or PROGRAM 2>&1 | entrasql "
                 "explain; --all lists the whole catalogue");
    return ENTRASQL_INVALID;
}

/* The next word of the text, cut to the size: no code is that long. */
static const char *next_word(const char **text, char *ret, size_t size)
{
    size_t n = strcspn(*text, " ");
    (void)snprintf(ret, size, "%.*s", n < size ? (int)n : (int)size - 1, *text);
    *text += n + strspn(*text + n, " ");
    return ret;
}

static bool holds_codes_alone(const char *text)
{
    char word[CODE_SIZE];
    while (*text != '\0') {
        if (!is_code(next_word(&text, word, sizeof word)))
            return false;
    }
    return true;
}

static entrasql_status explain_codes_of(output *o, const char *text, entrasql_error *err)
{
    char word[CODE_SIZE];
    while (*text != '\0') {
        bool found = false;
        if (explain_word(o, next_word(&text, word, sizeof word), &found) != ENTRASQL_OK)
            return es_nomem(err);
        if (!found)
            return not_known(word, err);
    }
    return ENTRASQL_OK;
}

/* Codes one by one; with a word that is none it is a message, in one argument or in many. */
static entrasql_status explain_all(const cli_terminal *t, output *o, const conf_args *args,
                                   entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    bool found = false;

    if (conf_args_flag(args, "all"))
        return list_all(o) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
    ES_TRY(read_text(t, args, &text, err));
    const char *message = es_buf_cstr(&text);
    if (message == NULL)
        return es_nomem(err);
    if (holds_codes_alone(message))
        return explain_codes_of(o, message, err);
    if (explain_message(o, message, &found) != ENTRASQL_OK)
        return es_nomem(err);
    return found ? ENTRASQL_OK : not_known(message, err);
}

static entrasql_status print(const cli_terminal *t, output *o, const conf_args *args,
                             entrasql_error *err)
{
    if (o->json) {
        json_writer_init(&o->writer, &o->text);
        json_begin_array(&o->writer);
    }
    ES_TRY(explain_all(t, o, args, err));
    if (o->json) {
        json_end_array(&o->writer);
        if (json_writer_end(&o->writer) != ENTRASQL_OK || es_buf_u8(&o->text, '\n') != ENTRASQL_OK)
            return es_nomem(err);
    }
    return o->json ? cli_write(t, &o->text, err) : cli_write_prose(t, &o->text, err);
}

int cli_explain(const cli_terminal *t, int argc, char **argv)
{
    conf_args args;
    entrasql_error err;
    int exit_code = 0;
    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    output o = {.json = conf_args_flag(&args, "json")};
    es_buf_init(&o.text, OUTPUT_MAX_BYTES);
    entrasql_status status = print(t, &o, &args, &err);
    es_buf_done(&o.text);
    return status == ENTRASQL_OK ? 0 : cli_report(t, &err);
}
