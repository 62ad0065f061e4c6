/* SPDX-License-Identifier: MIT */
/* proxy: who may come in, and how many. */
#include "proxy/access.h"
#include "proxy/admission.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/str.h"
#include "tds/proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OWN 1000
#define FRIEND 1001
#define STRANGER 1002
#define SERVICE 1003

/* ---- who ---- */

static uid_t friends[] = {FRIEND};
static uid_t services[] = {SERVICE};
static char name_chef[] = "chef";
static char name_batch[] = "batch";
static char name_both[] = "both";

static proxy_identity identities[] = {{.name = name_chef}, {.name = name_batch}};

typedef struct world {
    proxy_config config;
    proxy_target target;
    proxy_login_rule logins[3];
} world;

static void make_world(world *w, proxy_allow allow, const char *secret)
{
    *w = (world){0};
    w->logins[0] = (proxy_login_rule){
        .name = name_chef, .secret = es_secret_from_str("chef's"), .identity = &identities[1]};
    w->logins[1] = (proxy_login_rule){.name = name_batch, .uids = {services, 1}};
    w->logins[2] = (proxy_login_rule){
        .name = name_both, .uids = {services, 1}, .secret = es_secret_from_str("both's")};
    w->config.logins = w->logins;
    w->config.login_count = 3;
    w->target = (proxy_target){
        .config = &w->config,
        .identity = &identities[0],
        .access = {.allow = allow,
                   .uids = {friends, 1},
                   .secret = secret != NULL ? es_secret_from_str(secret) : NULL},
    };
}

static void end_world(world *w)
{
    for (size_t i = 0; i < ES_COUNT_OF(w->logins); i++)
        es_secret_unref(w->logins[i].secret);
    es_secret_unref(w->target.access.secret);
}

static void make_login(tds_login7 *l, const char *user, const char *password)
{
    assert_int_equal(tds_login7_init(l), ENTRASQL_OK);
    assert_int_equal(tds_login7_set(&l->user_name, user), ENTRASQL_OK);
    l->password = password != NULL ? es_secret_from_str(password) : NULL;
}

static const struct {
    proxy_allow allow;
    const char *secret; /* of the target */
    int uid;            /* -1: not known, -2: another machine */
    const char *user;
    const char *password;
    const char *refusal; /* a part of it; NULL: let in */
} cases[] = {
    {PROXY_ALLOW_OWN, NULL, OWN, "x", NULL, NULL},
    {PROXY_ALLOW_OWN, NULL, FRIEND, "x", "y", NULL},
    {PROXY_ALLOW_OWN, NULL, STRANGER, "x", "y", "--allow-uids 1002"},
    {PROXY_ALLOW_OWN, NULL, -1, "x", "y", "cannot tell which user"},
    {PROXY_ALLOW_OWN, NULL, -2, "x", "y", "from another machine"},
    {PROXY_ALLOW_ANY, NULL, STRANGER, "x", NULL, NULL},
    {PROXY_ALLOW_ANY, NULL, -2, "x", NULL, NULL},
    {PROXY_ALLOW_SECRET, NULL, OWN, "x", "y", "--allow secret"},
    {PROXY_ALLOW_SECRET, NULL, FRIEND, "x", "y", NULL},
    {PROXY_ALLOW_OWN, "open", STRANGER, "x", "open", NULL},
    {PROXY_ALLOW_OWN, "open", -2, "x", "open", NULL},
    {PROXY_ALLOW_OWN, "open", OWN, "x", "wrong", NULL},
    {PROXY_ALLOW_SECRET, "open", OWN, "x", "wrong", "--secret-file"},
    {PROXY_ALLOW_SECRET, "open", OWN, "x", NULL, "--secret-file"},
    {PROXY_ALLOW_SECRET, "open", OWN, "x", "ope", "--secret-file"},
    {PROXY_ALLOW_SECRET, "open", OWN, "x", "open ", "--secret-file"},
    {PROXY_ALLOW_SECRET, "open", OWN, "x", "", "--secret-file"},
    /* A rule of the login name takes the place of all of these. */
    {PROXY_ALLOW_ANY, "open", OWN, "chef", "open", "[login chef]"},
    {PROXY_ALLOW_OWN, NULL, OWN, "chef", NULL, "[login chef]"},
    {PROXY_ALLOW_OWN, NULL, -2, "chef", "chef's", NULL},
    {PROXY_ALLOW_OWN, NULL, OWN, "batch", "y", "[login batch]"},
    {PROXY_ALLOW_ANY, NULL, -1, "batch", "y", "[login batch]"},
    {PROXY_ALLOW_OWN, NULL, SERVICE, "batch", "y", NULL},
    {PROXY_ALLOW_OWN, NULL, SERVICE, "both", "y", "[login both]"},
    {PROXY_ALLOW_OWN, NULL, OWN, "both", "both's", "[login both]"},
    {PROXY_ALLOW_OWN, NULL, SERVICE, "both", "both's", NULL},
    {PROXY_ALLOW_OWN, NULL, STRANGER, "Chef", "chef's", "--allow-uids 1002"},
};

static void each_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        world w;
        tds_login7 login;
        proxy_grant grant;
        entrasql_error why = {0};
        const proxy_peer peer = {.is_known = cases[i].uid >= 0,
                                 .uid = cases[i].uid >= 0 ? (uid_t)cases[i].uid : 0,
                                 .is_remote = cases[i].uid == -2};
        make_world(&w, cases[i].allow, cases[i].secret);
        make_login(&login, cases[i].user, cases[i].password);
        entrasql_status status = proxy_access_decide(&w.target, &peer, OWN, &login, &grant, &why);
        if ((status == ENTRASQL_OK) != (cases[i].refusal == NULL))
            fail_msg("case %zu: %d %s", i, (int)status, why.message);
        /* Nobody is given up on who gets in. */
        if (status == ENTRASQL_OK)
            assert_true(proxy_access_may_come(&w.target, &peer, OWN));
        if (status == ENTRASQL_OK) {
            bool is_chef = es_streq(cases[i].user, "chef");
            assert_ptr_equal(grant.identity, &identities[is_chef ? 1 : 0]);
        } else {
            assert_int_equal(status, ENTRASQL_LOGIN_FAILED);
            assert_int_equal(why.number, 18456);
            if (strstr(why.message, cases[i].refusal) == NULL)
                fail_msg("case %zu: %s", i, why.message);
        }
        tds_login7_done(&login);
        end_world(&w);
    }
}

static entrasql_status decide(const world *w, const tds_login7 *login, proxy_grant *grant,
                              entrasql_error *why)
{
    const proxy_peer peer = {.is_known = true, .uid = OWN};
    return proxy_access_decide(&w->target, &peer, OWN, login, grant, why);
}

static void who_may_not_come_whatever_he_sends(void **state)
{
    (void)state;
    world w;
    const proxy_peer stranger = {.is_known = true, .uid = STRANGER};
    const proxy_peer unknown = {0};
    make_world(&w, PROXY_ALLOW_OWN, NULL);
    assert_true(proxy_access_may_come(&w.target, &stranger, OWN)); /* as chef, with the secret */
    w.config.logins++;                                             /* without chef */
    w.config.login_count--;
    assert_false(proxy_access_may_come(&w.target, &stranger, OWN));
    assert_false(proxy_access_may_come(&w.target, &unknown, OWN));
    w.target.fedauth = PROXY_FEDAUTH_PASS;
    assert_true(proxy_access_may_come(&w.target, &stranger, OWN));
    w.target.fedauth = PROXY_FEDAUTH_REFUSE;
    w.config.ops.admin_secret = w.logins[0].secret;
    assert_true(proxy_access_may_come(&w.target, &stranger, OWN));
    w.config.ops.admin_secret = NULL;
    w.target.access.allow = PROXY_ALLOW_SECRET; /* the own user still has the admin database */
    assert_false(proxy_access_may_come(&w.target, &stranger, OWN));
    assert_true(proxy_access_may_come(&w.target, &(proxy_peer){.is_known = true, .uid = OWN}, OWN));
    end_world(&w);
}

static void kinds_of_logins(void **state)
{
    world w;
    tds_login7 login;
    proxy_grant grant;
    entrasql_error why;
    (void)state;
    make_world(&w, PROXY_ALLOW_OWN, NULL);
    make_login(&login, "x", NULL);
    login.option_flags2 |= TDS_OPTION2_INTEGRATED;
    assert_int_equal(decide(&w, &login, &grant, &why), ENTRASQL_LOGIN_FAILED);
    assert_non_null(strstr(why.message, "Trusted_Connection"));
    login.option_flags2 = 0;
    login.fedauth_library = TDS_FEDAUTH_SECURITYTOKEN;
    assert_int_equal(decide(&w, &login, &grant, &why), ENTRASQL_LOGIN_FAILED);
    assert_non_null(strstr(why.message, "client-fedauth"));
    w.target.fedauth = PROXY_FEDAUTH_REPLACE;
    assert_int_equal(decide(&w, &login, &grant, &why), ENTRASQL_OK);
    assert_ptr_equal(grant.identity, &identities[0]);
    w.target.fedauth = PROXY_FEDAUTH_PASS;
    assert_int_equal(decide(&w, &login, &grant, &why), ENTRASQL_OK);
    assert_null(grant.identity);
    login.fedauth_library = TDS_FEDAUTH_ADAL;
    assert_int_equal(decide(&w, &login, &grant, &why), ENTRASQL_LOGIN_FAILED);
    login.fedauth_library = TDS_FEDAUTH_NONE;
    w.target.client_tls = PROXY_TLS_STRICT;
    assert_int_equal(decide(&w, &login, &grant, &why), ENTRASQL_LOGIN_FAILED);
    assert_non_null(strstr(why.message, "Encrypt=strict"));
    tds_login7_done(&login);
    end_world(&w);
}

/* ---- how many ---- */

static bool step(void *ctx)
{
    (void)ctx;
    return true;
}

static entrasql_status wants(void *ctx, os_wait *w)
{
    (void)ctx, (void)w;
    return ENTRASQL_OK;
}

static void end(void *ctx)
{
    (void)ctx;
}

static const loop_task_class idle = {wants, step, end};

typedef struct house {
    loop *l;
    loop_task *task;
    proxy_admission *a;
    proxy_config config;
    proxy_target one;
    proxy_target two;
} house;

static char key_one[] = "one";
static char key_two[] = "two";

static void open_house(house *h, uint32_t max, bool queue)
{
    *h = (house){.config = {.max_clients = max, .max_half_open = 2}};
    h->one = (proxy_target){.config = &h->config, .key = key_one};
    h->two = (proxy_target){.config = &h->config, .key = key_two};
    h->one.limits = h->two.limits = (proxy_limits){.queue = queue, .queue_ms = 1000};
    assert_int_equal(loop_new(&h->l, NULL), ENTRASQL_OK);
    assert_int_equal(loop_task_start(h->l, &idle, h, &h->task, NULL), ENTRASQL_OK);
    assert_int_equal(proxy_admission_new(&h->a, NULL), ENTRASQL_OK);
    proxy_admission_set_limits(h->a, &h->config);
}

static void close_house(house *h)
{
    proxy_admission_free(h->a);
    loop_free(h->l);
}

static void arrive(house *h, proxy_ticket *t, proxy_source source)
{
    const proxy_arrival arrival = {.task = h->task, .source = &source};
    proxy_admission_arrive(h->a, t, &arrival);
}

static entrasql_status ask(house *h, proxy_ticket *t, const proxy_target *target, const char *name)
{
    entrasql_error why;
    arrive(h, t, (proxy_source){0});
    return proxy_admission_ask(h->a, t, target, name, NULL, &why);
}

static void limits_refuse(void **state)
{
    house h;
    proxy_ticket t[6] = {0};
    (void)state;
    open_house(&h, 3, false);
    h.one.limits.max_clients = 2;
    h.config.max_clients_per_login = 2;
    assert_int_equal(ask(&h, &t[0], &h.one, "a"), ENTRASQL_OK);
    assert_int_equal(ask(&h, &t[1], &h.one, "b"), ENTRASQL_OK);
    assert_int_equal(ask(&h, &t[2], &h.one, "c"), ENTRASQL_BUSY); /* the target's */
    assert_int_equal(ask(&h, &t[3], &h.two, "a"), ENTRASQL_OK);
    assert_int_equal(ask(&h, &t[4], &h.two, "d"), ENTRASQL_BUSY); /* in all */
    proxy_admission_leave(h.a, &t[1]);
    assert_int_equal(ask(&h, &t[5], &h.two, "a"), ENTRASQL_BUSY); /* the login name's */
    for (size_t i = 0; i < ES_COUNT_OF(t); i++)
        proxy_admission_leave(h.a, &t[i]);
    assert_int_equal(proxy_admission_in(h.a), 0);
    close_house(&h);
}

static void who_waits_goes_in_order(void **state)
{
    house h;
    proxy_ticket t[4] = {0};
    entrasql_error why;
    (void)state;
    open_house(&h, 2, true);
    h.one.limits.max_clients = 1;
    assert_int_equal(ask(&h, &t[0], &h.one, "a"), ENTRASQL_OK);
    assert_int_equal(ask(&h, &t[1], &h.one, "b"), ENTRASQL_AGAIN);
    /* The first in the queue waits for its target: who comes after it has room. */
    assert_int_equal(ask(&h, &t[2], &h.two, "c"), ENTRASQL_OK);
    assert_int_equal(ask(&h, &t[3], &h.two, "d"), ENTRASQL_AGAIN);
    proxy_admission_leave(h.a, &t[0]);
    assert_int_equal(proxy_admission_look(h.a, &t[1], &why), ENTRASQL_OK);
    assert_int_equal(proxy_admission_look(h.a, &t[3], &why), ENTRASQL_AGAIN);
    es_clock_shift(2000, 0);
    assert_int_equal(proxy_admission_look(h.a, &t[3], &why), ENTRASQL_TIMEOUT);
    assert_non_null(strstr(why.message, "none left in time"));
    proxy_admission_send_away(h.a);
    assert_int_equal(proxy_admission_look(h.a, &t[3], &why), ENTRASQL_BUSY);
    for (size_t i = 0; i < ES_COUNT_OF(t); i++)
        proxy_admission_leave(h.a, &t[i]);
    assert_int_equal(proxy_admission_waiting(h.a), 0);
    close_house(&h);
}

static void the_oldest_half_open_goes(void **state)
{
    house h;
    proxy_ticket t[3] = {0};
    (void)state;
    open_house(&h, 9, false);
    for (size_t i = 0; i < 3; i++)
        arrive(&h, &t[i], (proxy_source){0});
    assert_int_equal(t[0].state, PROXY_TICKET_EVICTED);
    assert_int_equal(t[1].state, PROXY_TICKET_HALF_OPEN);
    for (size_t i = 0; i < 3; i++)
        proxy_admission_leave(h.a, &t[i]);
    close_house(&h);
}

static void a_flood_pushes_out_its_own(void **state)
{
    house h;
    proxy_ticket owner[2] = {0};
    proxy_ticket others[2] = {0};
    proxy_ticket flood[40] = {0};
    (void)state;
    open_house(&h, 9, false);
    h.config.max_half_open = 10;
    proxy_admission_set_limits(h.a, &h.config);
    arrive(&h, &owner[0], proxy_source_of_user(OWN));
    arrive(&h, &others[0], proxy_source_of_user(FRIEND));
    for (size_t i = 0; i < ES_COUNT_OF(flood); i++)
        arrive(&h, &flood[i], proxy_source_of_user(STRANGER));
    arrive(&h, &others[1], (proxy_source){0});
    arrive(&h, &owner[1], proxy_source_of_user(OWN));
    proxy_admission_return(h.a, &owner[0]); /* refused for another reason */
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(owner[i].state, PROXY_TICKET_HALF_OPEN);
        assert_int_equal(others[i].state, PROXY_TICKET_HALF_OPEN);
        proxy_admission_leave(h.a, &owner[i]);
        proxy_admission_leave(h.a, &others[i]);
    }
    for (size_t i = 0; i < ES_COUNT_OF(flood); i++) {
        assert_int_equal(flood[i].state, i < 34 ? PROXY_TICKET_EVICTED : PROXY_TICKET_HALF_OPEN);
        proxy_admission_leave(h.a, &flood[i]);
    }
    close_house(&h);
}

static void strangers_take_no_place(void **state)
{
    house h;
    proxy_ticket owner[2] = {0};
    proxy_ticket strangers[PROXY_ADMISSION_STRANGERS_MAX + 1] = {0};
    (void)state;
    open_house(&h, 9, false); /* two may be half open */
    for (size_t i = 0; i < 2; i++)
        arrive(&h, &owner[i], proxy_source_of_user(OWN));
    for (size_t i = 0; i < ES_COUNT_OF(strangers); i++)
        arrive(&h, &strangers[i], (proxy_source){.kind = PROXY_SOURCE_STRANGERS});
    assert_int_equal(strangers[0].state, PROXY_TICKET_EVICTED);
    for (size_t i = 1; i < ES_COUNT_OF(strangers); i++)
        assert_int_equal(strangers[i].state, PROXY_TICKET_HALF_OPEN);
    proxy_admission_return(h.a, &strangers[1]);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(owner[i].state, PROXY_TICKET_HALF_OPEN);
        proxy_admission_leave(h.a, &owner[i]);
    }
    proxy_admission_send_away(h.a);
    for (size_t i = 0; i < ES_COUNT_OF(strangers); i++) {
        assert_int_equal(strangers[i].state, PROXY_TICKET_EVICTED);
        proxy_admission_leave(h.a, &strangers[i]);
    }
    close_house(&h);
}

static proxy_source source_of(const char *address)
{
    os_address a;
    assert_int_equal(os_address_from_numeric(address, 1433, &a, NULL), ENTRASQL_OK);
    return proxy_source_of_address(&a);
}

static void sources_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *one;
        const char *other;
        bool same;
    } pairs[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"2001:db8:0:1::1", "2001:db8:0:1:f::2", true},
        {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
    };
    for (size_t i = 0; i < ES_COUNT_OF(pairs); i++) {
        proxy_source one = source_of(pairs[i].one);
        proxy_source other = source_of(pairs[i].other);
        assert_int_equal(proxy_source_equal(&one, &other), pairs[i].same);
    }
    proxy_source user = proxy_source_of_user(0);
    assert_false(proxy_source_equal(&user, &(proxy_source){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule),
        cmocka_unit_test(who_may_not_come_whatever_he_sends),
        cmocka_unit_test(kinds_of_logins),
        cmocka_unit_test(limits_refuse),
        cmocka_unit_test(who_waits_goes_in_order),
        cmocka_unit_test(the_oldest_half_open_goes),
        cmocka_unit_test(a_flood_pushes_out_its_own),
        cmocka_unit_test(strangers_take_no_place),
        cmocka_unit_test(sources_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
