/* SPDX-License-Identifier: MIT */
/* URLs taken apart by libcurl's own parser, so that checks see what will be connected to. */
#include "http/text.h"

#include "base/str.h"

#include <curl/curl.h>
#include <string.h>

/* Takes a part over into dst. A part that is missing leaves it empty. */
static entrasql_status copy_part(CURLU *u, CURLUPart part, char *dst, size_t size)
{
    char *text = NULL;
    dst[0] = '\0';
    CURLUcode code = curl_url_get(u, part, &text, 0);
    if (code == CURLUE_OUT_OF_MEMORY)
        return ENTRASQL_NOMEM;
    if (code != CURLUE_OK)
        return ENTRASQL_OK;
    size_t n = strlen(text);
    if (n < size)
        memcpy(dst, text, n + 1);
    curl_free(text);
    return n < size ? ENTRASQL_OK : ENTRASQL_INVALID;
}

static bool has_part(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    if (curl_url_get(u, part, &text, 0) != CURLUE_OK)
        return false;
    curl_free(text);
    return true;
}

static entrasql_status copy_host(CURLU *u, http_url *url)
{
    char host[sizeof url->host + 2] = "";
    ES_TRY(copy_part(u, CURLUPART_HOST, host, sizeof host));
    size_t n = strlen(host);
    bool bracketed = n >= 2 && host[0] == '[' && host[n - 1] == ']';
    if (bracketed)
        n -= 2;
    if (n == 0 || n >= sizeof url->host)
        return ENTRASQL_INVALID;
    for (size_t i = 0; i < n; i++)
        url->host[i] = es_ascii_lower(host[i + (bracketed ? 1 : 0)]);
    url->host[n] = '\0';
    return ENTRASQL_OK;
}

static entrasql_status copy_port(CURLU *u, http_url *url)
{
    char port[16];
    ES_TRY(copy_part(u, CURLUPART_PORT, port, sizeof port));
    url->has_port = port[0] != '\0';
    uint64_t number = url->is_https ? 443 : 80;
    if (url->has_port &&
        (es_parse_u64(port, strlen(port), 65535, &number) != ENTRASQL_OK || number == 0))
        return ENTRASQL_INVALID;
    url->port = (unsigned)number;
    return ENTRASQL_OK;
}

static entrasql_status take_apart(CURLU *u, http_url *url)
{
    char scheme[16];
    ES_TRY(copy_part(u, CURLUPART_SCHEME, scheme, sizeof scheme));
    url->is_https = es_strcaseeq(scheme, "https");
    if (!url->is_https && !es_strcaseeq(scheme, "http"))
        return ENTRASQL_INVALID;
    if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD) ||
        has_part(u, CURLUPART_FRAGMENT))
        return ENTRASQL_INVALID;
    ES_TRY(copy_host(u, url));
    ES_TRY(copy_port(u, url));
    url->has_query = has_part(u, CURLUPART_QUERY);
    return copy_part(u, CURLUPART_PATH, url->path, sizeof url->path);
}

entrasql_status http_url_parse(const char *url, http_url *ret)
{
    for (const char *p = url; *p != '\0'; p++) {
        if ((unsigned char)*p <= 0x20 || *p == 0x7F || *p == '\\')
            return ENTRASQL_INVALID;
    }
    CURLU *u = curl_url();
    if (u == NULL)
        return ENTRASQL_NOMEM;
    http_url result;
    memset(&result, 0, sizeof result);
    CURLUcode code = curl_url_set(u, CURLUPART_URL, url, 0);
    entrasql_status status = code == CURLUE_OK              ? take_apart(u, &result)
                             : code == CURLUE_OUT_OF_MEMORY ? ENTRASQL_NOMEM
                                                            : ENTRASQL_INVALID;
    curl_url_cleanup(u);
    if (status == ENTRASQL_OK)
        *ret = result;
    return status;
}
