/* SPDX-License-Identifier: MIT */
/*
 * The numbers of the TDS protocol that more than one file needs: packet types,
 * status bits, tokens, DONE bits, PRELOGIN options, ENVCHANGE types, RPC
 * numbers ([MS-TDS] 2.2). Values only; no calls.
 */
#ifndef TDS_PROTO_H
#define TDS_PROTO_H

/* Packet types ([MS-TDS] 2.2.3.1.1). */
typedef enum tds_packet_type {
    TDS_PACKET_BATCH = 0x01,
    TDS_PACKET_PRE7_LOGIN = 0x02, /* of TDS 4.2 and 5.0: refused */
    TDS_PACKET_RPC = 0x03,
    TDS_PACKET_REPLY = 0x04, /* tabular result; also the answer to PRELOGIN */
    TDS_PACKET_ATTENTION = 0x06,
    TDS_PACKET_BULK = 0x07,
    TDS_PACKET_FEDAUTH_TOKEN = 0x08,
    TDS_PACKET_TM = 0x0E,
    TDS_PACKET_LOGIN7 = 0x10,
    TDS_PACKET_SSPI = 0x11,
    TDS_PACKET_PRELOGIN = 0x12
} tds_packet_type;

/* Status bits of the packet header ([MS-TDS] 2.2.3.1.2). */
#define TDS_STATUS_EOM 0x01U
#define TDS_STATUS_IGNORE 0x02U
#define TDS_STATUS_RESET 0x08U           /* RESETCONNECTION */
#define TDS_STATUS_RESET_KEEP_TRAN 0x10U /* RESETCONNECTIONSKIPTRAN */

/* First byte of a TLS record with a ClientHello: a strict (TDS 8.0) connection. */
#define TDS_FIRST_BYTE_TLS 0x16U
#define TDS_ALPN_STRICT "tds/8.0"

/* PRELOGIN options ([MS-TDS] 2.2.6.5). */
typedef enum tds_prelogin_option {
    TDS_PRELOGIN_VERSION = 0x00,
    TDS_PRELOGIN_ENCRYPTION = 0x01,
    TDS_PRELOGIN_INSTANCE = 0x02,
    TDS_PRELOGIN_THREADID = 0x03,
    TDS_PRELOGIN_MARS = 0x04,
    TDS_PRELOGIN_TRACEID = 0x05,
    TDS_PRELOGIN_FEDAUTHREQUIRED = 0x06,
    TDS_PRELOGIN_NONCE = 0x07,
    TDS_PRELOGIN_TERMINATOR = 0xFF
} tds_prelogin_option;

/* ENCRYPTION values. */
#define TDS_ENCRYPTION_OFF 0x00U /* available, not wanted */
#define TDS_ENCRYPTION_ON 0x01U
#define TDS_ENCRYPTION_NOT_SUP 0x02U
#define TDS_ENCRYPTION_REQ 0x03U
#define TDS_ENCRYPTION_CLIENT_CERT 0x80U /* a bit beside the others */

/* Which setting of a driver raises the version, for who is too old to be served. */
#define TDS_VERSION_ADVICE                                                                         \
    ": set tds_version=\"7.3\" (pymssql), TDSVER=7.4 or \"tds version = 7.4\" in freetds.conf "    \
    "(FreeTDS, PHP, TinyTDS, tds_fdw); jTDS cannot, Microsoft's JDBC driver can"

/* LOGIN7 option bits ([MS-TDS] 2.2.6.4). */
#define TDS_OPTION2_ODBC 0x02U       /* fODBC: ANSI defaults for the session */
#define TDS_OPTION2_INTEGRATED 0x80U /* SSPI login */
#define TDS_OPTION3_CHANGE_PASSWORD 0x01U
#define TDS_OPTION3_UNKNOWN_COLLATION 0x08U
#define TDS_OPTION3_EXTENSION 0x10U /* a FeatureExt block is present */
#define TDS_TYPE_READONLY_INTENT 0x20U

/* Tokens of a reply ([MS-TDS] 2.2.7). */
typedef enum tds_token_id {
    TDS_TOKEN_OFFSET = 0x78,
    TDS_TOKEN_RETURNSTATUS = 0x79,
    TDS_TOKEN_COLMETADATA = 0x81,
    TDS_TOKEN_DATACLASSIFICATION = 0xA3,
    TDS_TOKEN_TABNAME = 0xA4,
    TDS_TOKEN_COLINFO = 0xA5,
    TDS_TOKEN_ORDER = 0xA9,
    TDS_TOKEN_ERROR = 0xAA,
    TDS_TOKEN_INFO = 0xAB,
    TDS_TOKEN_RETURNVALUE = 0xAC,
    TDS_TOKEN_LOGINACK = 0xAD,
    TDS_TOKEN_FEATUREEXTACK = 0xAE,
    TDS_TOKEN_ROW = 0xD1,
    TDS_TOKEN_NBCROW = 0xD2,
    TDS_TOKEN_ENVCHANGE = 0xE3,
    TDS_TOKEN_SESSIONSTATE = 0xE4,
    TDS_TOKEN_SSPI = 0xED,
    TDS_TOKEN_FEDAUTHINFO = 0xEE,
    TDS_TOKEN_DONE = 0xFD,
    TDS_TOKEN_DONEPROC = 0xFE,
    TDS_TOKEN_DONEINPROC = 0xFF
} tds_token_id;

/* Status of DONE, DONEPROC, DONEINPROC ([MS-TDS] 2.2.7.6). */
#define TDS_DONE_FINAL 0x0000U
#define TDS_DONE_MORE 0x0001U
#define TDS_DONE_ERROR 0x0002U
#define TDS_DONE_INXACT 0x0004U
#define TDS_DONE_COUNT 0x0010U
#define TDS_DONE_ATTN 0x0020U
#define TDS_DONE_RPCINBATCH 0x0080U
#define TDS_DONE_SRVERROR 0x0100U

/* ENVCHANGE types ([MS-TDS] 2.2.7.9). */
typedef enum tds_env_type {
    TDS_ENV_DATABASE = 1,
    TDS_ENV_LANGUAGE = 2,
    TDS_ENV_PACKET_SIZE = 4,
    TDS_ENV_COLLATION = 7,
    TDS_ENV_BEGIN = 8,
    TDS_ENV_COMMIT = 9,
    TDS_ENV_ROLLBACK = 10,
    TDS_ENV_ENLIST = 11,
    TDS_ENV_DEFECT = 12,
    TDS_ENV_PARTNER = 13,
    TDS_ENV_PROMOTE = 15,
    TDS_ENV_TM_ADDRESS = 16,
    TDS_ENV_TRANSACTION_ENDED = 17,
    TDS_ENV_RESET = 18,
    TDS_ENV_USER_INSTANCE = 19,
    TDS_ENV_ROUTING = 20,
    TDS_ENV_ENHANCED_ROUTING = 21
} tds_env_type;

/* ALL_HEADERS of batch, RPC and TM messages ([MS-TDS] 2.2.5.3). */
#define TDS_HEADER_QUERY_NOTIFICATION 1U
#define TDS_HEADER_TRANSACTION 2U
#define TDS_HEADER_TRACE 3U

/* RPC by number ([MS-TDS] 2.2.6.6). */
typedef enum tds_proc_id {
    TDS_PROC_CURSOR = 1,
    TDS_PROC_CURSOROPEN = 2,
    TDS_PROC_CURSORPREPARE = 3,
    TDS_PROC_CURSOREXECUTE = 4,
    TDS_PROC_CURSORPREPEXEC = 5,
    TDS_PROC_CURSORUNPREPARE = 6,
    TDS_PROC_CURSORFETCH = 7,
    TDS_PROC_CURSOROPTION = 8,
    TDS_PROC_CURSORCLOSE = 9,
    TDS_PROC_EXECUTESQL = 10,
    TDS_PROC_PREPARE = 11,
    TDS_PROC_EXECUTE = 12,
    TDS_PROC_PREPEXEC = 13,
    TDS_PROC_PREPEXECRPC = 14,
    TDS_PROC_UNPREPARE = 15
} tds_proc_id;

/* Transaction manager requests ([MS-TDS] 2.2.6.9). */
typedef enum tds_tm_id {
    TDS_TM_GET_DTC_ADDRESS = 0,
    TDS_TM_PROPAGATE = 1,
    TDS_TM_BEGIN = 5,
    TDS_TM_PROMOTE = 6,
    TDS_TM_COMMIT = 7,
    TDS_TM_ROLLBACK = 8,
    TDS_TM_SAVE = 9
} tds_tm_id;

/* What the emulator and our client call themselves: 12.0.2000.8, as Azure SQL does. */
#define TDS_PRODUCT_MAJOR 12U
#define TDS_PRODUCT_MINOR 0U
#define TDS_PRODUCT_BUILD 2000U
#define TDS_PRODUCT_SUBBUILD 8U
#define TDS_PROGRAM_NAME "Microsoft SQL Server"

#endif
