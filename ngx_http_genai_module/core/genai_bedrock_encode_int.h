/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the two encoders of Bedrock's answers share.  Of no use to anybody
 * else.
 */


#ifndef _GENAI_BEDROCK_ENCODE_INT_H_INCLUDED_
#define _GENAI_BEDROCK_ENCODE_INT_H_INCLUDED_


#include "genai_bedrock_answer.h"
#include "genai_writer.h"


/*
 * Writes the member "stopReason": word is the provider's; called, refused:
 * what was in the answer.
 */
void genai_bedrock_stop(genai_writer_t *w, genai_finish_e finish,
    const genai_str_t *word, unsigned called, unsigned refused);

/*
 * Writes the members "metrics" and "usage".  u: what is known, may be NULL;
 * prompt: tokens of input where it is not known, or -1.
 */
void genai_bedrock_usage(genai_writer_t *w, const genai_usage_t *u,
    int64_t prompt);

/*
 * Writes a call's id as the member "toolUseId"; where the provider has told
 * none, one that is made of the answer's and the call's number.
 */
void genai_bedrock_call_id(genai_writer_t *w,
    const genai_answer_head_t *head, const genai_str_t *id, unsigned number);

/*
 * Writes what signs, of that field: as the member "signature" of a thought,
 * or, for all else, "redactedContent"; with a mark where it is not Bedrock's
 * own.
 */
void genai_bedrock_signature(genai_writer_t *w, genai_field_e field,
    const genai_str_t *signer, const genai_str_t *id,
    const genai_str_t *signature);


#endif /* _GENAI_BEDROCK_ENCODE_INT_H_INCLUDED_ */
