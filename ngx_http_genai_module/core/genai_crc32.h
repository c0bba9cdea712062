/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * CRC-32 as IEEE 802.3, zlib and PNG have it (RFC 1952, section 8).
 */


#ifndef _GENAI_CRC32_H_INCLUDED_
#define _GENAI_CRC32_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/*
 * The checksum of the bytes that crc is of with p[0 .. n) behind them; crc is
 * 0 where nothing is before them.  Thread-safe.
 */
uint32_t genai_crc32(uint32_t crc, const unsigned char *p, size_t n);


#endif /* _GENAI_CRC32_H_INCLUDED_ */
