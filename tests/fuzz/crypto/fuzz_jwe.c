/* SPDX-License-Identifier: MIT */
/* An encrypted token cache: what others wrote, and that our own comes back as it was. */
#include "crypto/jwe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[CRYPTO_JWE_KEY_SIZE] = "0123456789abcdef0123456789abcde";
    es_buf header = ES_BUF_INIT(1 << 16);
    es_buf text = ES_BUF_INIT(1 << 20);
    es_buf plain = ES_BUF_INIT_WIPE(1 << 20);
    (void)!crypto_jwe_header((const char *)data, size, &header);
    (void)!crypto_jwe_decrypt(key, (const char *)data, size, &plain);
    es_buf_clear(&plain);
    if (crypto_jwe_encrypt(key, "7", data, size, &text) == ENTRASQL_OK) {
        if (crypto_jwe_decrypt(key, (const char *)text.data, text.len, &plain) != ENTRASQL_OK ||
            plain.len != size || (size != 0 && memcmp(plain.data, data, size) != 0))
            abort();
    }
    es_buf_done(&header);
    es_buf_done(&text);
    es_buf_done(&plain);
    return 0;
}
