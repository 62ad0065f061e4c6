/* SPDX-License-Identifier: MIT */
/* Links: the database, the user that the principal became and how, roles and effective rights. */
#include "doctor/inner.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define LIST_SIZE 360

typedef struct facts {
    char database[140];
    char user[140];
    char login[280];
    char direct[8]; /* "E": a user of its own; "": none, so by a group or as the admin */
    char roles[LIST_SIZE];
    char rights[LIST_SIZE];
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

static void add_to(char *list, const char *word)
{
    size_t n = strlen(list);
    if (n + strlen(word) + 3 < LIST_SIZE)
        (void)snprintf(list + n, LIST_SIZE - n, "%s%s", n != 0 ? ", " : "", word);
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

static const char *how(const facts *f)
{
    if (es_strcaseeq(f->user, "dbo"))
        return "as the Entra admin or owner";
    return f->direct[0] != '\0' ? "by a user of its own" : "by a group";
}

static void ask(doctor *d, const char *sql, doctor_row *row, facts *f)
{
    entrasql_error err;
    if (doctor_query(d, d->conn, sql, row, f, &err) == ENTRASQL_OK)
        return;
    doctor_line *line = doctor_add(d, "rights", DOCTOR_WARN, NULL, "a question was not answered");
    doctor_evidence(line, "%s", err.message);
    doctor_fix(line, "%s", "The account may lack VIEW DEFINITION; nothing follows from it.");
}

static void say_roles(doctor *d, const facts *f)
{
    bool nothing = !es_strcaseeq(f->user, "dbo") && f->roles[0] == '\0' && f->right_count <= 1;
    doctor_line *line =
        nothing ? doctor_add(d, "rights", DOCTOR_WARN, "no-rights", "no role, and no right but %s",
                             f->rights[0] != '\0' ? f->rights : "to connect")
                : doctor_add(d, "rights", DOCTOR_OK, NULL, "roles: %s",
                             f->roles[0] != '\0' ? f->roles : "none");
    if (!nothing)
        doctor_evidence(line, "rights on the database: %s", f->rights);
    if (nothing)
        doctor_fix(line, "As the Entra admin: entrasql user add %s --profile rw", f->user);
}

void doctor_rights(doctor *d)
{
    facts f = {0};
    if (d->conn == NULL)
        return;
    ask(d, "SELECT DB_NAME(), USER_NAME(), SUSER_SNAME()", on_who, &f);
    ask(d,
        "SELECT type FROM sys.database_principals WHERE name = USER_NAME() AND type IN ('E', 'S')",
        on_direct, &f);
    ask(d,
        "SELECT name FROM sys.database_principals WHERE type = 'R' AND name <> 'public' AND "
        "IS_ROLEMEMBER(name) = 1 ORDER BY name",
        on_role, &f);
    ask(d, "SELECT permission_name FROM fn_my_permissions(NULL, 'DATABASE')", on_right, &f);
    doctor_line *line = doctor_add(d, "database", DOCTOR_OK, NULL, "%s as user %s, %s", f.database,
                                   f.user, how(&f));
    doctor_evidence(line, "login %s", f.login);
    say_roles(d, &f);
}
