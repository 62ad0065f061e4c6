/* SPDX-License-Identifier: MIT */
/* Links: the database, the user that the principal became and how, roles and effective rights. */
#include "doctor/inner.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define LIST_SIZE 360
#define WIDE_SIZE 280

typedef struct facts {
    char database[140];
    char user[140];
    char login[280];
    char direct[8]; /* "E": a user of its own; "": none, so by a group or as the admin */
    char roles[LIST_SIZE];
    char rights[LIST_SIZE];
    char schemas[WIDE_SIZE]; /* "SELECT, INSERT on schema::sales" */
    char objects[WIDE_SIZE]; /* "SELECT on dbo.Persons" */
    size_t right_count;
} facts;

static void on_who(void *ctx, const sqlvalue *values, size_t count)
{
    facts *f = ctx;
    doctor_text(values, count, 0, f->database, sizeof f->database);
    doctor_text(values, count, 1, f->user, sizeof f->user);
    doctor_text(values, count, 2, f->login, sizeof f->login);
}

static void on_direct(void *ctx, const sqlvalue *values, size_t count)
{
    facts *f = ctx;
    doctor_text(values, count, 0, f->direct, sizeof f->direct);
}

/* What does not fit is not there, and three dots say so. */
static void add_more(char *list, size_t size, const char *between, const char *word)
{
    size_t n = strlen(list);
    if (es_ends_with(list, " ..."))
        return;
    bool fits = n + strlen(between) + strlen(word) + sizeof " ..." < size;
    (void)snprintf(list + n, size - n, "%s%s",
                   n == 0 ? ""
                   : fits ? between
                          : "",
                   fits ? word : " ...");
}

static void add_to(char *list, const char *word)
{
    add_more(list, LIST_SIZE, ", ", word);
}

static void on_role(void *ctx, const sqlvalue *values, size_t count)
{
    facts *f = ctx;
    char role[140];
    doctor_text(values, count, 0, role, sizeof role);
    if (role[0] != '\0')
        add_to(f->roles, role);
}

static void on_right(void *ctx, const sqlvalue *values, size_t count)
{
    facts *f = ctx;
    char right[140];
    doctor_text(values, count, 0, right, sizeof right);
    if (right[0] == '\0' || es_starts_with(right, "VIEW "))
        return;
    f->right_count++;
    add_to(f->rights, right);
}

/* Rights that a list has already, as a whole word. */
static bool lists(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = strstr(list, word); p != NULL; p = strstr(p + 1, word)) {
        if ((p == list || p[-1] == ' ') && (p[n] == ',' || p[n] == '\0'))
            return true;
    }
    return false;
}

static const char *const schema_rights[] = {"SELECT", "INSERT",  "UPDATE",
                                            "DELETE", "EXECUTE", "ALTER"};

/* name, then 1 for each of the rights that are held there. */
static void on_schema(void *ctx, const sqlvalue *values, size_t count)
{
    facts *f = ctx;
    char name[140];
    char rights[80] = "";
    char text[240];
    doctor_text(values, count, 0, name, sizeof name);
    for (size_t i = 0; i < ES_COUNT_OF(schema_rights) && i + 1 < count; i++) {
        const sqlvalue *v = &values[i + 1];
        if (!v->is_null && sqltype_is_integer(v->type.id) && v->u.i == 1 &&
            !lists(f->rights, schema_rights[i]))
            add_more(rights, sizeof rights, ", ", schema_rights[i]);
    }
    (void)snprintf(text, sizeof text, "%s on schema::%s", rights, name);
    if (rights[0] != '\0')
        add_more(f->schemas, sizeof f->schemas, "; ", text);
}

/* right, schema, object */
static void on_object(void *ctx, const sqlvalue *values, size_t count)
{
    facts *f = ctx;
    char right[64];
    char schema[140];
    char object[140];
    char text[360];
    doctor_text(values, count, 0, right, sizeof right);
    doctor_text(values, count, 1, schema, sizeof schema);
    doctor_text(values, count, 2, object, sizeof object);
    (void)snprintf(text, sizeof text, "%s on %s.%s", right, schema, object);
    add_more(f->objects, sizeof f->objects, "; ", text);
}

static const char *how(const facts *f)
{
    if (es_strcaseeq(f->user, "dbo"))
        return "as the Entra admin or owner";
    return f->direct[0] != '\0' ? "by a user of its own" : "by a group";
}

/* False: the connection is gone, and nothing more can be asked. */
static bool ask(doctor *d, const char *sql, doctor_row *row, facts *f)
{
    entrasql_error err;
    if (doctor_query(d, d->conn, sql, row, f, &err) == ENTRASQL_OK)
        return true;
    if (doctor_front_upstream(d, "rights", &err))
        return false;
    bool lost = !sql_is_open(d->conn);
    doctor_line *line =
        lost ? doctor_add(d, "rights", DOCTOR_FAIL, "request-lost",
                          f->database[0] != '\0' ? "the connection is lost among the requests"
                                                 : "the server closes at the first request")
             : doctor_add(d, "rights", DOCTOR_WARN, NULL, "a question was not answered");
    doctor_evidence(line, "%s", err.message);
    if (!lost)
        doctor_fix(line, "%s", "The account may lack VIEW DEFINITION; nothing follows from it.");
    return !lost;
}

static bool is_dbo(const facts *f)
{
    return es_strcaseeq(f->user, "dbo");
}

/* CONNECT alone does nothing. */
static bool has_nothing(const facts *f)
{
    return !is_dbo(f) && f->roles[0] == '\0' && f->schemas[0] == '\0' && f->objects[0] == '\0' &&
           (f->right_count == 0 || es_streq(f->rights, "CONNECT"));
}

static void say_nothing_held(doctor *d, const facts *f)
{
    char name[300];
    char place[680];
    doctor_line *line = doctor_add(d, "rights", DOCTOR_WARN, "no-rights",
                                   "no role, and no right on the database, a schema or an object%s",
                                   f->right_count != 0 ? " but to connect" : "");
    doctor_evidence(line, "asked: IS_ROLEMEMBER, fn_my_permissions, HAS_PERMS_BY_NAME");
    doctor_fix(
        line,
        "As the Entra admin: entrasql user add %s --profile writer %s; or in the database: "
        "GRANT SELECT ON SCHEMA::dbo TO [%s], and INSERT, UPDATE, DELETE, EXECUTE as needed.",
        doctor_word(f->user, name, sizeof name), doctor_place(d, place, sizeof place), f->user);
}

static void say_roles(doctor *d, const facts *f)
{
    if (has_nothing(f)) {
        say_nothing_held(d, f);
        return;
    }
    doctor_line *line = doctor_add(d, "rights", DOCTOR_OK, NULL, "roles: %s",
                                   f->roles[0] != '\0' ? f->roles : "none");
    doctor_evidence(line, "on the database: %s%s%s%s%s",
                    f->rights[0] != '\0' ? f->rights : "nothing", f->schemas[0] != '\0' ? "; " : "",
                    f->schemas, f->objects[0] != '\0' ? "; " : "", f->objects);
}

static const struct question {
    const char *sql;
    doctor_row *row;
} questions[] = {
    {"SELECT DB_NAME(), USER_NAME(), SUSER_SNAME()", on_who},
    {"SELECT type FROM sys.database_principals WHERE name = USER_NAME() AND type IN ('E', 'S')",
     on_direct},
    {"SELECT name FROM sys.database_principals WHERE type = 'R' AND name <> 'public' AND "
     "IS_ROLEMEMBER(name) = 1 ORDER BY name",
     on_role},
    {"SELECT permission_name FROM fn_my_permissions(NULL, 'DATABASE')", on_right},
};

/* Of others than dbo, who has them all; in the order of schema_rights. */
static const struct question narrow[] = {
    {"SELECT name, HAS_PERMS_BY_NAME(QUOTENAME(name), 'SCHEMA', 'SELECT'), "
     "HAS_PERMS_BY_NAME(QUOTENAME(name), 'SCHEMA', 'INSERT'), "
     "HAS_PERMS_BY_NAME(QUOTENAME(name), 'SCHEMA', 'UPDATE'), "
     "HAS_PERMS_BY_NAME(QUOTENAME(name), 'SCHEMA', 'DELETE'), "
     "HAS_PERMS_BY_NAME(QUOTENAME(name), 'SCHEMA', 'EXECUTE'), "
     "HAS_PERMS_BY_NAME(QUOTENAME(name), 'SCHEMA', 'ALTER') FROM sys.schemas "
     "WHERE schema_id < 16384 AND name NOT IN ('guest', 'INFORMATION_SCHEMA', 'sys') ORDER BY name",
     on_schema},
    {"SELECT p.permission_name, s.name, o.name FROM sys.database_permissions p "
     "JOIN sys.objects o ON o.object_id = p.major_id JOIN sys.schemas s ON s.schema_id = "
     "o.schema_id WHERE p.class = 1 AND p.state IN ('G', 'W') AND (p.grantee_principal_id = "
     "USER_ID() OR IS_ROLEMEMBER(USER_NAME(p.grantee_principal_id)) = 1 OR "
     "IS_MEMBER(USER_NAME(p.grantee_principal_id)) = 1) ORDER BY s.name, o.name, "
     "p.permission_name",
     on_object},
};

void doctor_rights(doctor *d)
{
    facts f = {0};
    if (d->conn == NULL)
        return;
    for (size_t i = 0; i < ES_COUNT_OF(questions); i++) {
        if (!ask(d, questions[i].sql, questions[i].row, &f))
            return;
    }
    for (size_t i = 0; i < ES_COUNT_OF(narrow) && !is_dbo(&f); i++) {
        if (!ask(d, narrow[i].sql, narrow[i].row, &f))
            return;
    }
    doctor_line *line = doctor_add(d, "database", DOCTOR_OK, NULL, "%s as user %s, %s", f.database,
                                   f.user, how(&f));
    doctor_evidence(line, "login %s", f.login);
    say_roles(d, &f);
}
