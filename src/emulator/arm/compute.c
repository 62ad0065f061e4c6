/* SPDX-License-Identifier: MIT */
/* Machines and scale sets: models, and what is run in a guest. */
#include "internal.h"

#include <string.h>

/*
 * "guest" is what the machine has inside, which no answer shows; "lagging" the
 * identities of a scale set's instances that were not upgraded yet.
 */
void arm_compute_view(arm_call *c, arm_value *copy)
{
    (void)c;
    arm_remove(copy, "guest");
    arm_remove(copy, "lagging");
}

static bool is_manual(const arm_value *set)
{
    const char *mode = arm_text(arm_path(set, "properties", "upgradePolicy", NULL), "mode");
    return es_strcaseeq(mode, "Manual");
}

/* With the mode Manual the instances stay as they were: their host keeps its identities. */
bool arm_compute_check_set(arm_call *c, arm_value *set, bool created)
{
    if (created || !is_manual(set) || arm_get(c->body, "identity") == NULL)
        return true;
    arm_value *host = arm_element(c, "hosts", "name", arm_text(set, "name"));
    arm_value *before = arm_get(set, "lagging");
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    for (const arm_member *m = before != NULL ? before->first : NULL; m != NULL; m = m->next) {
        const world_principal *p = world_object_find(c->w, m->value->text);
        bool is_gone = p == NULL || (p->system_assigned && arm_element(c, "identities", "object_id",
                                                                       p->object_id) == NULL);
        if (!is_gone)
            arm_append(&c->pool, list, arm_new_text(&c->pool, p->object_id));
    }
    arm_set(&c->pool, host, "identities", list);
    return true;
}

void arm_compute_upgrade(arm_call *c)
{
    arm_value *set = arm_need(c);
    const arm_value *ids = arm_get(c->body, "instanceIds");
    if (set == NULL)
        return;
    if (!arm_is(ids, JSON_KIND_ARRAY) || ids->count == 0) {
        (void)arm_error(c, 400, "InvalidParameter",
                        "The value of parameter instanceIds is invalid.");
        return;
    }
    arm_identity_sync(c, set);
    const arm_value *host = arm_element(c, "hosts", "name", arm_text(set, "name"));
    arm_set(&c->pool, set, "lagging", arm_clone(&c->pool, arm_get(host, "identities")));
    c->changed = true;
    if (!arm_operation_begin(c, ARM_LRO_ACCEPTED, "", set, false))
        c->changed = false;
}

/* ---- run command ---- */

/* "echo WORD": what a script that comes to its end has printed. */
static const char *word_of_echo(const char *line)
{
    static const char echo[] = "echo ";
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const char *word = line + sizeof echo - 1;
    bool is_plain =
        es_starts_with(line, echo) && *word != '\0' && word[strspn(word, plain)] == '\0';
    return is_plain ? word : NULL;
}

/* systemd's Environment="NAME=value": quoted, with \" and \\ and %% undone. */
static void take_line(arm_call *c, arm_value *guest, const char *line)
{
    static const char word[] = "Environment=";
    if (!es_starts_with(line, word))
        return;
    line += sizeof word - 1;
    bool quoted = *line == '"';
    const char *equals = strchr(line, '=');
    char *value = equals != NULL ? arm_pool_copy(&c->pool, equals + 1, strlen(equals + 1)) : NULL;
    if (value == NULL)
        return;
    char *out = value;
    for (const char *p = value; *p != '\0'; p++) {
        if (quoted && *p == '"')
            break;
        if ((*p == '\\' && p[1] != '\0') || (*p == '%' && p[1] == '%'))
            p++;
        *out++ = *p;
    }
    *out = '\0';
    const char *name = line + (quoted ? 1 : 0);
    arm_set_text(&c->pool, guest, arm_pool_copy(&c->pool, name, (size_t)(equals - name)), value);
}

/* The words of a line that stand in single quotes, '\'' undone: a drop-in may be printf's
 * arguments. */
static void take_words(arm_call *c, arm_value *guest, const char *line)
{
    for (const char *p = strchr(line, '\''); p != NULL;
         p = *p != '\0' ? strchr(p + 1, '\'') : NULL) {
        char *word = arm_pool_copy(&c->pool, p, strlen(p));
        if (word == NULL)
            return;
        char *out = word;
        for (p++; *p != '\0' && (*p != '\'' || es_starts_with(p, "'\\''")); p++) {
            if (*p == '\'')
                p += 3;
            *out++ = *p;
        }
        *out = '\0';
        take_line(c, guest, word);
        if (*p == '\0')
            return;
    }
}

/*
 * Nothing is run. What such a script writes is a unit's drop-in: its Environment= lines
 * become what programs find in the machine. The word of its last echo is its output.
 */
void arm_compute_run_command(arm_call *c)
{
    arm_value *machine = arm_need(c);
    const arm_value *script = arm_get(c->body, "script");
    if (machine == NULL)
        return;
    if (!es_strcaseeq(arm_text(c->body, "commandId"), "RunShellScript")) {
        (void)arm_error(c, 400, "InvalidParameter",
                        "The entity was not found in this Azure location: commandId.");
        return;
    }
    arm_value *guest = arm_need_object(&c->pool, machine, "guest");
    for (const arm_member *m = script != NULL ? script->first : NULL; m != NULL; m = m->next) {
        for (const char *p = m->value->text; p != NULL && *p != '\0';) {
            size_t n = strcspn(p, "\r\n");
            const char *line = arm_pool_copy(&c->pool, p, n);
            if (line != NULL) {
                const char *word = word_of_echo(line);
                c->said = word != NULL ? word : c->said;
                take_line(c, guest, line);
                take_words(c, guest, line);
            }
            p += n + (p[n] != '\0' ? 1 : 0);
        }
    }
    c->changed = true;
    if (!arm_operation_begin(c, ARM_LRO_RUN, "", machine, false))
        c->changed = false;
}
