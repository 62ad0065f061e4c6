/* SPDX-License-Identifier: MIT */
/*
 * Requests as real drivers send them, byte by byte, put together here without
 * the code under test. Each sample has the form in which it was recorded.
 */
#ifndef REQUEST_SAMPLES_H
#define REQUEST_SAMPLES_H

#include "tds_test.h"

static inline void put(es_buf *b, const char *hex)
{
    es_buf bytes = from_hex(hex);

    OK(es_buf_add(b, bytes.data, bytes.len));
    es_buf_done(&bytes);
}

static inline void put_u16(es_buf *b, unsigned v)
{
    OK(es_buf_u16le(b, (uint16_t)v));
}

static inline void put_headers(es_buf *b, uint64_t transaction)
{
    put(b, "16000000 12000000 0200");
    OK(es_buf_u64le(b, transaction));
    put(b, "01000000");
}

/* UTF-16 of a text of Latin-1 characters. */
static inline void put_wide(es_buf *b, const char *latin1)
{
    for (; *latin1 != '\0'; latin1++)
        put_u16(b, (unsigned char)*latin1);
}

static inline void put_name(es_buf *b, const char *name)
{
    OK(es_buf_u8(b, (uint8_t)strlen(name)));
    put_wide(b, name);
}

static inline void put_proc(es_buf *b, unsigned id, unsigned flags)
{
    put(b, "FFFF");
    put_u16(b, id);
    put_u16(b, flags);
}

static inline void put_named_proc(es_buf *b, const char *name)
{
    put_u16(b, (unsigned)strlen(name));
    put_wide(b, name);
    put_u16(b, 0);
}

/* name, status, INTN of 4 bytes */
static inline void put_int(es_buf *b, const char *name, unsigned status, int32_t v)
{
    put_name(b, name);
    OK(es_buf_u8(b, (uint8_t)status));
    put(b, "26 04 04");
    OK(es_buf_u32le(b, (uint32_t)v));
}

static inline void put_null_int(es_buf *b, const char *name, unsigned status)
{
    put_name(b, name);
    OK(es_buf_u8(b, (uint8_t)status));
    put(b, "26 04 00");
}

#define COLLATION "0904D00034"

static inline void put_nvarchar(es_buf *b, const char *name, unsigned units, const char *collation,
                                const char *latin1)
{
    put_name(b, name);
    put(b, "00 E7");
    put_u16(b, 2 * units);
    put(b, collation);
    if (latin1 == NULL) {
        put(b, "FFFF");
        return;
    }
    put_u16(b, 2 * (unsigned)strlen(latin1));
    put_wide(b, latin1);
}

/* nvarchar(max) in chunks of `chunk` bytes, the length not told, as msodbcsql and pytds do. */
static inline void put_plp(es_buf *b, const char *name, unsigned status, const char *latin1,
                           size_t chunk)
{
    size_t n = 2 * strlen(latin1);
    es_buf text = ES_BUF_INIT(1 << 20);

    put_name(b, name);
    OK(es_buf_u8(b, (uint8_t)status));
    put(b, "E7 FFFF " COLLATION " FEFFFFFFFFFFFFFF");
    put_wide(&text, latin1);
    for (size_t at = 0; at < n; at += chunk) {
        size_t part = n - at < chunk ? n - at : chunk;
        OK(es_buf_u32le(b, (uint32_t)part));
        OK(es_buf_add(b, text.data + at, part));
    }
    put(b, "00000000");
    es_buf_done(&text);
}

/* NTEXT as FreeTDS sends statements. */
static inline void put_ntext(es_buf *b, const char *latin1)
{
    put(b, "00 00 63");
    OK(es_buf_u32le(b, (uint32_t)(2 * strlen(latin1))));
    put(b, COLLATION);
    OK(es_buf_u32le(b, (uint32_t)(2 * strlen(latin1))));
    put_wide(b, latin1);
}

#define GUID5 "00000000 0000 0000 0000 000000000005"

typedef struct sample {
    uint8_t type; /* packet type */
    uint8_t status;
    void (*make)(es_buf *b);
    const char *printed;
} sample;

static inline void make_msodbc_insert(es_buf *b)
{
    put_headers(b, 0x4ee);
    put_proc(b, 13, 0);
    put_null_int(b, "", 1);
    put_plp(b, "", 0,
            "@P1 nvarchar(10),@P2 numeric(4,2),@P3 datetime2,@P4 nvarchar(72),@P5 varbinary(2),@P6 "
            "float,@P7 bit",
            1000);
    put_plp(b, "", 0,
            "insert into o1(n,d,dt,u,b,f,bt) output inserted.id "
            "values(@P1,@P2,@P3,@P4,@P5,@P6,@P7)",
            7);
    put_nvarchar(b, "", 10, COLLATION, "h\xe9llo");
    put(b, "00 00 6C 09 04 02 09 01 E2040000 00000000");
    put(b, "00 00 2A 00 06 252B00 46460B");
    put_nvarchar(b, "", 72, COLLATION, "00000000-0000-0000-0000-000000000005");
    put(b, "00 00 A5 0200 0200 0102");
    put(b, "00 00 6D 08 08 000000000000F83F");
    put(b, "00 00 68 01 01 01");
}

static inline void make_msodbc_catalog(es_buf *b)
{
    put_headers(b, 0x4f0);
    put_named_proc(b, "[sys].sp_tables");
    put_nvarchar(b, "", 1, COLLATION, NULL);
    put_nvarchar(b, "", 3, COLLATION, "dbo");
    put_name(b, "@fUsePattern");
    put(b, "00 68 01 01 01");
}

static inline void make_msodbc_many(es_buf *b)
{
    put_headers(b, 0);
    put_proc(b, 12, 0);
    put_int(b, "", 0, 2);
    put_nvarchar(b, "", 50, COLLATION, "fa");
    put(b, "00 00 6A 09 0A 02 09 01 9600000000000000");
    put(b, "FF");
    put_proc(b, 12, 0);
    put_int(b, "", 0, 2);
    put_nvarchar(b, "", 50, COLLATION, "fb");
    put(b, "00 00 6A 09 0A 02 00");
}

static inline void make_tdsodbc(es_buf *b)
{
    put_headers(b, 0x8d);
    put_proc(b, 13, 0);
    put_null_int(b, "", 1);
    put_ntext(b, "@P1 NVARCHAR(2),@P2 VARCHAR(1)");
    put_ntext(b, "insert into o1(n,d) values(@P1,@P2)");
    put_nvarchar(b, "", 2, COLLATION, "x");
    put(b, "00 00 A7 0100 " COLLATION " FFFF");
}

static inline void make_pytds(es_buf *b)
{
    put_headers(b, 0xff);
    put_proc(b, 10, 0);
    put_plp(b, "", 0, "insert into o3(n) values(@P1)", 4000);
    put_plp(b, "@P1", 0, "h\xe9llo", 4000);
    put_name(b, "@P2");
    put(b, "00 6A 05 03 01 05 01 7D000000");
    put_name(b, "@P3");
    put(b, "00 2A 06 08 B0AB5F9202 46460B");
    put_name(b, "@P4");
    put(b, "00 24 10 10 " GUID5);
    put_plp(b, "@P5", 0, "\x01\x02", 4000);
}

static inline void make_tedious(es_buf *b)
{
    put_headers(b, 0);
    put_proc(b, 10, 0);
    put_nvarchar(b, "@statement", 17, COLLATION, "select @i,@big,@s");
    put_nvarchar(b, "@params", 34, COLLATION, "@i int, @big bigint, @s varchar(3)");
    put_int(b, "@i", 0, 5);
    put_name(b, "@big");
    put(b, "00 26 08 08 0000000000010000");
    put_name(b, "@s");
    put(b, "00 A7 0300 " COLLATION " 0300 616263");
}

static inline void make_tedious_out(es_buf *b)
{
    put_headers(b, 0);
    put_proc(b, 10, 0);
    put_nvarchar(b, "@statement", 10, COLLATION, "set @o = 5");
    put_nvarchar(b, "@params", 13, COLLATION, "@o int OUTPUT");
    put_int(b, "@o", 1, 0);
}

static inline void make_jdbc(es_buf *b)
{
    put_headers(b, 0);
    put_proc(b, 10, 0);
    put_nvarchar(b, "", 4000, COLLATION, "insert into j1(d,dt,b) values(@P0,@P1,@P2)");
    put_nvarchar(b, "", 4000, COLLATION, "@P0 decimal(38,1),@P1 datetime2,@P2 varbinary(8000)");
    put(b, "00 00 6A 11 26 01 11 01 0F000000000000000000000000000000");
    put(b, "00 00 2A 07 08 0000000000 3AF90A");
    put(b, "00 00 A5 401F 0100 01");
}

static inline void make_go(es_buf *b)
{
    put_headers(b, 0);
    put_proc(b, 10, 0);
    put_nvarchar(b, "", 12, "0000000000", "select @n,@d");
    put_nvarchar(b, "", 21, "0000000000", "@n varchar(2),@d date");
    put_name(b, "@n");
    put(b, "00 A7 0200 0000000000 0200 6162");
    put_name(b, "@d");
    put(b, "00 28 03 664A0B");
    put_name(b, "@p3");
    put(b, "00 2B 07 0A 3F11BD84C6 664A0B 0000");
}

static inline void make_batch(es_buf *b)
{
    put_headers(b, 0x4ec);
    put_wide(b, "select 1 as a");
}

static inline void make_batch_quotes(es_buf *b)
{
    put_headers(b, 0);
    put_wide(b, "if object_id('dbo.o1') is not null\n drop table \"o1\"");
}

static inline void make_login_batch(es_buf *b)
{
    put_headers(b, 0);
    put_wide(b, "create login x with password = N'geh''eim', y=1; set password='z");
}

static inline void make_begin(es_buf *b)
{
    put_headers(b, 0);
    put(b, "0500 04 06 740078003100");
}

static inline void make_commit_again(es_buf *b)
{
    put_headers(b, 0x4ed);
    put(b, "0700 00 01 00 00");
}

static inline void make_save(es_buf *b)
{
    put_headers(b, 0);
    put(b, "0900 06 730070003100");
}

static inline void make_rollback(es_buf *b)
{
    put_headers(b, 0x103);
    put(b, "0800 00 00");
}

static const sample request_samples[] = {
    {TDS_PACKET_RPC, 1, make_msodbc_insert,
     "[st=0x01 spid=0] RPC ProcID 13 (sp_prepexec) flags=0x0000 {txn=4ee,out=1}\n"
     "      (unnamed) OUT intN(4) = NULL\n"
     "      (unnamed) nvarchar(max) coll=0904d00034 plp=unk = '@P1 nvarchar(10),@P2 "
     "numeric(4,2),@P3 datetime2,@P4 nvarchar(72),@P5 varbinary(2),@P6 float,@P7 bit'\n"
     "      (unnamed) nvarchar(max) coll=0904d00034 plp=unk = 'insert into o1(n,d,dt,u,b,f,bt) "
     "output inserted.id values(@P1,@P2,@P3,@P4,@P5,@P6,@P7)'\n"
     "      (unnamed) nvarchar(10) coll=0904d00034 = 'h\xc3\xa9llo'\n"
     "      (unnamed) decimal(4,2) = 1250e-2\n"
     "      (unnamed) datetime2(0) = 252b0046460b\n"
     "      (unnamed) nvarchar(72) coll=0904d00034 = '00000000-0000-0000-0000-000000000005'\n"
     "      (unnamed) varbinary(2) = 0x0102\n"
     "      (unnamed) floatN(8) = 1.5\n"
     "      (unnamed) bitN(1) = 1\n"},
    {TDS_PACKET_RPC, 1, make_msodbc_catalog,
     "[st=0x01 spid=0] RPC Name '[sys].sp_tables' flags=0x0000 {txn=4f0,out=1}\n"
     "      (unnamed) nvarchar(1) coll=0904d00034 = NULL\n"
     "      (unnamed) nvarchar(3) coll=0904d00034 = 'dbo'\n"
     "      @fUsePattern bitN(1) = 1\n"},
    {TDS_PACKET_RPC, 9, make_msodbc_many,
     "[st=0x09 spid=0] RPC ProcID 12 (sp_execute) flags=0x0000 {txn=0,out=1}\n"
     "      (unnamed) intN(4) = 2\n"
     "      (unnamed) nvarchar(50) coll=0904d00034 = 'fa'\n"
     "      (unnamed) decimal(10,2) = 150e-2\n"
     "       (batchflag 0xff)\n"
     "    RPC ProcID 12 (sp_execute) flags=0x0000 {txn=0,out=1}\n"
     "      (unnamed) intN(4) = 2\n"
     "      (unnamed) nvarchar(50) coll=0904d00034 = 'fb'\n"
     "      (unnamed) decimal(10,2) = NULL\n"},
    {TDS_PACKET_RPC, 1, make_tdsodbc,
     "[st=0x01 spid=0] RPC ProcID 13 (sp_prepexec) flags=0x0000 {txn=8d,out=1}\n"
     "      (unnamed) OUT intN(4) = NULL\n"
     "      (unnamed) ntext coll=0904d00034 mx=60 = '@P1 NVARCHAR(2),@P2 VARCHAR(1)'\n"
     "      (unnamed) ntext coll=0904d00034 mx=70 = 'insert into o1(n,d) values(@P1,@P2)'\n"
     "      (unnamed) nvarchar(2) coll=0904d00034 = 'x'\n"
     "      (unnamed) varchar(1) coll=0904d00034 = NULL\n"},
    {TDS_PACKET_RPC, 1, make_pytds,
     "[st=0x01 spid=0] RPC ProcID 10 (sp_executesql) flags=0x0000 {txn=ff,out=1}\n"
     "      (unnamed) nvarchar(max) coll=0904d00034 plp=unk = 'insert into o3(n) values(@P1)'\n"
     "      @P1 nvarchar(max) coll=0904d00034 plp=unk = 'h\xc3\xa9llo'\n"
     "      @P2 decimal(3,1) = 125e-1\n"
     "      @P3 datetime2(6) = b0ab5f920246460b\n"
     "      @P4 uniqueidentifier(16) = 00000000-0000-0000-0000-000000000005\n"
     "      @P5 nvarchar(max) coll=0904d00034 plp=unk = '\\x01\\x02'\n"},
    {TDS_PACKET_RPC, 1, make_tedious,
     "[st=0x01 spid=0] RPC ProcID 10 (sp_executesql) flags=0x0000 {txn=0,out=1}\n"
     "      @statement nvarchar(17) coll=0904d00034 = 'select @i,@big,@s'\n"
     "      @params nvarchar(34) coll=0904d00034 = '@i int, @big bigint, @s varchar(3)'\n"
     "      @i intN(4) = 5\n"
     "      @big intN(8) = 1099511627776\n"
     "      @s varchar(3) coll=0904d00034 = 'abc'\n"},
    {TDS_PACKET_RPC, 1, make_tedious_out,
     "[st=0x01 spid=0] RPC ProcID 10 (sp_executesql) flags=0x0000 {txn=0,out=1}\n"
     "      @statement nvarchar(10) coll=0904d00034 = 'set @o = 5'\n"
     "      @params nvarchar(13) coll=0904d00034 = '@o int OUTPUT'\n"
     "      @o OUT intN(4) = 0\n"},
    {TDS_PACKET_RPC, 1, make_jdbc,
     "[st=0x01 spid=0] RPC ProcID 10 (sp_executesql) flags=0x0000 {txn=0,out=1}\n"
     "      (unnamed) nvarchar(4000) coll=0904d00034 = 'insert into j1(d,dt,b) "
     "values(@P0,@P1,@P2)'\n"
     "      (unnamed) nvarchar(4000) coll=0904d00034 = '@P0 decimal(38,1),@P1 datetime2,@P2 "
     "varbinary(8000)'\n"
     "      (unnamed) decimal(38,1) = 15e-1\n"
     "      (unnamed) datetime2(7) = 00000000003af90a\n"
     "      (unnamed) varbinary(8000) = 0x01\n"},
    {TDS_PACKET_RPC, 1, make_go,
     "[st=0x01 spid=0] RPC ProcID 10 (sp_executesql) flags=0x0000 {txn=0,out=1}\n"
     "      (unnamed) nvarchar(12) coll=0000000000 = 'select @n,@d'\n"
     "      (unnamed) nvarchar(21) coll=0000000000 = '@n varchar(2),@d date'\n"
     "      @n varchar(2) coll=0000000000 = 'ab'\n"
     "      @d date = 664a0b\n"
     "      @p3 datetimeoffset(7) = 3f11bd84c6664a0b0000\n"},
    {TDS_PACKET_BATCH, 1, make_batch,
     "[st=0x01 spid=0] SQLBATCH {txn=4ec,out=1} 'select 1 as a'\n"},
    {TDS_PACKET_BATCH, 1, make_batch_quotes,
     "[st=0x01 spid=0] SQLBATCH {txn=0,out=1} 'if object_id(\\'dbo.o1\\') is not null\\n drop "
     "table "
     "\"o1\"'\n"},
    {TDS_PACKET_BATCH, 1, make_login_batch,
     "[st=0x01 spid=0] SQLBATCH {txn=0,out=1} \"create login x with password = N'***', y=1; set "
     "password='***\"\n"},
    {TDS_PACKET_TM, 1, make_begin,
     "[st=0x01 spid=0] TMREQ {txn=0,out=1} BEGIN_XACT payload=0406740078003100\n"},
    {TDS_PACKET_TM, 1, make_commit_again,
     "[st=0x01 spid=0] TMREQ {txn=4ed,out=1} COMMIT payload=00010000\n"},
    {TDS_PACKET_TM, 1, make_save,
     "[st=0x01 spid=0] TMREQ {txn=0,out=1} SAVE payload=06730070003100\n"},
    {TDS_PACKET_TM, 1, make_rollback,
     "[st=0x01 spid=0] TMREQ {txn=103,out=1} ROLLBACK payload=0000\n"},
};

static inline es_buf make_sample(const sample *s)
{
    es_buf b = ES_BUF_INIT(1 << 20);

    s->make(&b);
    return b;
}

#endif
