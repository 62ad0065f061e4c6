/* SPDX-License-Identifier: MIT */
/* Recording of decoded requests. */
#include "emulator/front/record.h"

#include "base/log.h"
#include "base/mem.h"
#include "tds/fedauth.h"
#include "tds/print.h"
#include "tds/proto.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One request may print long; what is longer is cut by leaving it out. */
#define ENTRY_MAX_BYTES ((size_t)16 * 1024 * 1024)

struct front_record {
    uint64_t number;
    FILE *file; /* NULL: could not be written */
    es_buf entry;
};

entrasql_status front_record_open(const char *dir, uint64_t number, front_record **ret,
                                  entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf path = ES_BUF_INIT(4096);
    front_record *r;
    const char *name = NULL;
    int fd;

    if (es_buf_printf(&path, "%s/connection-%04" PRIu64 ".txt", dir, number) == ENTRASQL_OK)
        name = es_buf_cstr(&path);
    if (name == NULL)
        return es_nomem(err);
    r = es_calloc(1, sizeof *r);
    if (r == NULL)
        return es_nomem(err);
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        r->file = fdopen(fd, "w");
    if (r->file == NULL) {
        int os_errno = errno;
        if (fd >= 0)
            (void)close(fd);
        es_free(r);
        return es_fail_errno(err, os_errno, "cannot write %s", name);
    }
    r->number = number;
    r->entry = ES_BUF_INIT_WIPE(ENTRY_MAX_BYTES);
    (void)fprintf(r->file, "#%" PRIu64 " ---- connection\n", number);
    *ret = r;
    return ENTRASQL_OK;
}

void front_record_close(front_record *r)
{
    if (r == NULL)
        return;
    if (r->file != NULL) {
        (void)fprintf(r->file, "#%" PRIu64 " C closed\n", r->number);
        (void)fclose(r->file);
    }
    es_buf_done(&r->entry);
    es_free(r);
}

/* Each entry is flushed: a record is read while the connection lives. */
static void end_entry(front_record *r)
{
    if (fflush(r->file) == 0)
        return;
    ES_LOG(WARNING, "front", "the record cannot be written any more",
           ES_KV_I64("connection", (int64_t)r->number), ES_KV_STR("error", strerror(errno)));
    (void)fclose(r->file);
    r->file = NULL;
}

void front_record_request(front_record *r, uint8_t type, uint8_t status, uint16_t spid,
                          const uint8_t *p, size_t n)
{
    if (r == NULL || r->file == NULL)
        return;
    es_buf_clear(&r->entry);
    if (tds_print_request(type, status, spid, p, n, &r->entry) == ENTRASQL_OK) {
        (void)fprintf(r->file, "#%" PRIu64 " C> ", r->number);
        (void)fwrite(r->entry.data, 1, r->entry.len, r->file);
    } else {
        (void)fprintf(r->file, "#%" PRIu64 " C> a request of type 0x%02x, %zu bytes\n", r->number,
                      type, n);
    }
    es_buf_done(&r->entry);
    end_entry(r);
}

void front_record_note(front_record *r, const char *text)
{
    if (r == NULL || r->file == NULL)
        return;
    (void)fprintf(r->file, "#%" PRIu64 " S> %s\n", r->number, text);
    end_entry(r);
}

void front_record_tls(front_record *r, const tls_conn *tls)
{
    if (r == NULL || r->file == NULL || tls == NULL)
        return;
    (void)fprintf(r->file, "#%" PRIu64 " TLS %s %s\n", r->number, tls_conn_version(tls),
                  tls_conn_cipher(tls));
    end_entry(r);
}

/* The engine keeps messages in parsed form; built again they are what the client sent. */
void front_record_login(front_record *r, const tds_server *server)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT_WIPE((size_t)TDS_LOGIN7_MAX_BYTES + 1);

    if (r == NULL || r->file == NULL)
        return;
    if (tds_prelogin_build(tds_server_prelogin(server), TDS_PRELOGIN_REQUEST, &body) == ENTRASQL_OK)
        front_record_request(r, TDS_PACKET_PRELOGIN, TDS_STATUS_EOM, 0, body.data, body.len);
    es_buf_clear(&body);
    if (tds_login7_build(tds_server_login(server), &body, NULL) == ENTRASQL_OK)
        front_record_request(r, TDS_PACKET_LOGIN7, TDS_STATUS_EOM, 0, body.data, body.len);
}

void front_record_token(front_record *r, const tds_server *server)
{
    ES_CLEANUP(es_buf_done)
    es_buf body = ES_BUF_INIT_WIPE((size_t)TDS_FEDAUTH_TOKEN_MAX_BYTES * 2);

    if (r == NULL || r->file == NULL)
        return;
    if (tds_fedauth_message_build(tds_server_token(server), &body, NULL) == ENTRASQL_OK)
        front_record_request(r, TDS_PACKET_FEDAUTH_TOKEN, TDS_STATUS_EOM, 0, body.data, body.len);
}
