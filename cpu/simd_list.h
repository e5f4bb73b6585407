/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SSE and MMX instructions, by how they are made: X-macros for handlers, forms and rows.
 *
 * Invariants: a mnemonic is in one list; spelt as Zydis does, and as the host's assembler reads it.
 */
#ifndef CPU_SIMD_LIST_H
#define CPU_SIMD_LIST_H

/* XMM and MMX; how the MMX form maps onto XMM (simd_int.c): MMX_SAME, _LOW, _HIGH, _PAIR, _INDEX */
#define SIMD_LIST_MMX(X)       \
	X(PADDB, MMX_SAME)     \
	X(PADDW, MMX_SAME)     \
	X(PADDD, MMX_SAME)     \
	X(PADDQ, MMX_SAME)     \
	X(PADDSB, MMX_SAME)    \
	X(PADDSW, MMX_SAME)    \
	X(PADDUSB, MMX_SAME)   \
	X(PADDUSW, MMX_SAME)   \
	X(PSUBB, MMX_SAME)     \
	X(PSUBW, MMX_SAME)     \
	X(PSUBD, MMX_SAME)     \
	X(PSUBQ, MMX_SAME)     \
	X(PSUBSB, MMX_SAME)    \
	X(PSUBSW, MMX_SAME)    \
	X(PSUBUSB, MMX_SAME)   \
	X(PSUBUSW, MMX_SAME)   \
	X(PMULLW, MMX_SAME)    \
	X(PMULHW, MMX_SAME)    \
	X(PMULHUW, MMX_SAME)   \
	X(PMULHRSW, MMX_SAME)  \
	X(PMULUDQ, MMX_SAME)   \
	X(PMADDWD, MMX_SAME)   \
	X(PMADDUBSW, MMX_SAME) \
	X(PSADBW, MMX_SAME)    \
	X(PAVGB, MMX_SAME)     \
	X(PAVGW, MMX_SAME)     \
	X(PMINUB, MMX_SAME)    \
	X(PMAXUB, MMX_SAME)    \
	X(PMINSW, MMX_SAME)    \
	X(PMAXSW, MMX_SAME)    \
	X(PAND, MMX_SAME)      \
	X(PANDN, MMX_SAME)     \
	X(POR, MMX_SAME)       \
	X(PXOR, MMX_SAME)      \
	X(PCMPEQB, MMX_SAME)   \
	X(PCMPEQW, MMX_SAME)   \
	X(PCMPEQD, MMX_SAME)   \
	X(PCMPGTB, MMX_SAME)   \
	X(PCMPGTW, MMX_SAME)   \
	X(PCMPGTD, MMX_SAME)   \
	X(PABSB, MMX_SAME)     \
	X(PABSW, MMX_SAME)     \
	X(PABSD, MMX_SAME)     \
	X(PSIGNB, MMX_SAME)    \
	X(PSIGNW, MMX_SAME)    \
	X(PSIGND, MMX_SAME)    \
	X(PUNPCKLBW, MMX_LOW)  \
	X(PUNPCKLWD, MMX_LOW)  \
	X(PUNPCKLDQ, MMX_LOW)  \
	X(PUNPCKHBW, MMX_HIGH) \
	X(PUNPCKHWD, MMX_HIGH) \
	X(PUNPCKHDQ, MMX_HIGH) \
	X(PACKSSWB, MMX_PAIR)  \
	X(PACKSSDW, MMX_PAIR)  \
	X(PACKUSWB, MMX_PAIR)  \
	X(PHADDW, MMX_PAIR)    \
	X(PHADDD, MMX_PAIR)    \
	X(PHADDSW, MMX_PAIR)   \
	X(PHSUBW, MMX_PAIR)    \
	X(PHSUBD, MMX_PAIR)    \
	X(PHSUBSW, MMX_PAIR)   \
	X(PSHUFB, MMX_INDEX)

/* Shifts: like MMX_SAME, and by an immediate. */
#define SIMD_LIST_SHIFT(X) \
	X(PSLLW)           \
	X(PSLLD)           \
	X(PSLLQ)           \
	X(PSRLW)           \
	X(PSRLD)           \
	X(PSRLQ)           \
	X(PSRAW)           \
	X(PSRAD)

/* XMM alone, without exceptions; the source in memory. */
#define SIMD_LIST_XMM(X)         \
	X(PUNPCKLQDQ, simd_m128) \
	X(PUNPCKHQDQ, simd_m128) \
	X(PACKUSDW, simd_m128)   \
	X(PMINSB, simd_m128)     \
	X(PMINSD, simd_m128)     \
	X(PMINUW, simd_m128)     \
	X(PMINUD, simd_m128)     \
	X(PMAXSB, simd_m128)     \
	X(PMAXSD, simd_m128)     \
	X(PMAXUW, simd_m128)     \
	X(PMAXUD, simd_m128)     \
	X(PMULLD, simd_m128)     \
	X(PMULDQ, simd_m128)     \
	X(PCMPEQQ, simd_m128)    \
	X(PCMPGTQ, simd_m128)    \
	X(PHMINPOSUW, simd_m128) \
	X(AESENC, simd_m128)     \
	X(AESENCLAST, simd_m128) \
	X(AESDEC, simd_m128)     \
	X(AESDECLAST, simd_m128) \
	X(AESIMC, simd_m128)     \
	X(ANDPS, simd_m128)      \
	X(ANDPD, simd_m128)      \
	X(ANDNPS, simd_m128)     \
	X(ANDNPD, simd_m128)     \
	X(ORPS, simd_m128)       \
	X(ORPD, simd_m128)       \
	X(XORPS, simd_m128)      \
	X(XORPD, simd_m128)      \
	X(UNPCKLPS, simd_m128)   \
	X(UNPCKLPD, simd_m128)   \
	X(UNPCKHPS, simd_m128)   \
	X(UNPCKHPD, simd_m128)   \
	X(MOVSLDUP, simd_m128)   \
	X(MOVSHDUP, simd_m128)   \
	X(MOVDDUP, simd_m64)     \
	X(RCPPS, simd_m128)      \
	X(RSQRTPS, simd_m128)    \
	X(RCPSS, simd_m32)       \
	X(RSQRTSS, simd_m32)     \
	X(PMOVSXBW, simd_m64)    \
	X(PMOVSXBD, simd_m32)    \
	X(PMOVSXBQ, simd_m16)    \
	X(PMOVSXWD, simd_m64)    \
	X(PMOVSXWQ, simd_m32)    \
	X(PMOVSXDQ, simd_m64)    \
	X(PMOVZXBW, simd_m64)    \
	X(PMOVZXBD, simd_m32)    \
	X(PMOVZXBQ, simd_m16)    \
	X(PMOVZXWD, simd_m64)    \
	X(PMOVZXWQ, simd_m32)    \
	X(PMOVZXDQ, simd_m64)

/* The same with an imm8 that the host's instruction can have: how many values it has. */
#define SIMD_LIST_XMM_IMM(X) \
	X(PSHUFD, 256)       \
	X(PSHUFLW, 256)      \
	X(PSHUFHW, 256)      \
	X(SHUFPS, 256)       \
	X(SHUFPD, 4)         \
	X(PBLENDW, 256)      \
	X(BLENDPS, 16)       \
	X(BLENDPD, 4)        \
	X(MPSADBW, 8)

/* Those with something of their own (simd_int.c, simd_move.c, simd_str.c, simd_fp.c). */
#define SIMD_LIST_OWN(X)   \
	X(PSHUFW)          \
	X(PALIGNR)         \
	X(PSLLDQ)          \
	X(PSRLDQ)          \
	X(PCLMULQDQ)       \
	X(AESKEYGENASSIST) \
	X(PBLENDVB)        \
	X(BLENDVPS)        \
	X(BLENDVPD)        \
	X(PTEST)           \
	X(PCMPESTRI)       \
	X(PCMPESTRM)       \
	X(PCMPISTRI)       \
	X(PCMPISTRM)       \
	X(COMISS)          \
	X(COMISD)          \
	X(UCOMISS)         \
	X(UCOMISD)         \
	X(CVTSI2SS)        \
	X(CVTSI2SD)        \
	X(CVTSS2SI)        \
	X(CVTSD2SI)        \
	X(CVTTSS2SI)       \
	X(CVTTSD2SI)       \
	X(CVTPI2PS)        \
	X(CVTPI2PD)        \
	X(CVTPS2PI)        \
	X(CVTTPS2PI)       \
	X(CVTPD2PI)        \
	X(CVTTPD2PI)       \
	X(LDMXCSR)         \
	X(STMXCSR)         \
	X(MOVAPS)          \
	X(MOVAPD)          \
	X(MOVDQA)          \
	X(MOVUPS)          \
	X(MOVUPD)          \
	X(MOVDQU)          \
	X(LDDQU)           \
	X(MOVNTPS)         \
	X(MOVNTPD)         \
	X(MOVNTDQ)         \
	X(MOVNTDQA)        \
	X(MOVNTQ)          \
	X(MOVSS)           \
	X(MOVLPS)          \
	X(MOVLPD)          \
	X(MOVHPS)          \
	X(MOVHPD)          \
	X(MOVHLPS)         \
	X(MOVLHPS)         \
	X(MOVD)            \
	X(MOVQ)            \
	X(MOVQ2DQ)         \
	X(MOVDQ2Q)         \
	X(MOVMSKPS)        \
	X(MOVMSKPD)        \
	X(PMOVMSKB)        \
	X(PEXTRB)          \
	X(PEXTRW)          \
	X(PEXTRD)          \
	X(PEXTRQ)          \
	X(EXTRACTPS)       \
	X(PINSRB)          \
	X(PINSRW)          \
	X(PINSRD)          \
	X(PINSRQ)          \
	X(INSERTPS)        \
	X(EMMS)

/* Floating point that may raise exceptions; the source in memory; enum fp_how (simd_fp.c). */
#define SIMD_LIST_FP(X)                  \
	X(ADDPS, simd_m128, FP_ANY)      \
	X(ADDPD, simd_m128, FP_ANY)      \
	X(ADDSS, simd_m32, FP_32)        \
	X(ADDSD, simd_m64, FP_64)        \
	X(SUBPS, simd_m128, FP_ANY)      \
	X(SUBPD, simd_m128, FP_ANY)      \
	X(SUBSS, simd_m32, FP_32)        \
	X(SUBSD, simd_m64, FP_64)        \
	X(MULPS, simd_m128, FP_ANY)      \
	X(MULPD, simd_m128, FP_ANY)      \
	X(MULSS, simd_m32, FP_32)        \
	X(MULSD, simd_m64, FP_64)        \
	X(DIVPS, simd_m128, FP_ANY)      \
	X(DIVPD, simd_m128, FP_ANY)      \
	X(DIVSS, simd_m32, FP_32)        \
	X(DIVSD, simd_m64, FP_64)        \
	X(MINPS, simd_m128, FP_ANY)      \
	X(MINPD, simd_m128, FP_ANY)      \
	X(MINSS, simd_m32, FP_32)        \
	X(MINSD, simd_m64, FP_64)        \
	X(MAXPS, simd_m128, FP_ANY)      \
	X(MAXPD, simd_m128, FP_ANY)      \
	X(MAXSS, simd_m32, FP_32)        \
	X(MAXSD, simd_m64, FP_64)        \
	X(SQRTPS, simd_m128, FP_ANY)     \
	X(SQRTPD, simd_m128, FP_ANY)     \
	X(SQRTSS, simd_m32, FP_32TO32)   \
	X(SQRTSD, simd_m64, FP_64TO64)   \
	X(ADDSUBPS, simd_m128, FP_ANY)   \
	X(ADDSUBPD, simd_m128, FP_ANY)   \
	X(HADDPS, simd_m128, FP_ANY)     \
	X(HADDPD, simd_m128, FP_ANY)     \
	X(HSUBPS, simd_m128, FP_ANY)     \
	X(HSUBPD, simd_m128, FP_ANY)     \
	X(CVTDQ2PS, simd_m128, FP_ANY)   \
	X(CVTPS2DQ, simd_m128, FP_ANY)   \
	X(CVTTPS2DQ, simd_m128, FP_ANY)  \
	X(CVTPD2PS, simd_m128, FP_ANY)   \
	X(CVTPD2DQ, simd_m128, FP_ANY)   \
	X(CVTTPD2DQ, simd_m128, FP_ANY)  \
	X(CVTDQ2PD, simd_m64, FP_ANY)    \
	X(CVTPS2PD, simd_m64, FP_ANY)    \
	X(CVTSS2SD, simd_m32, FP_32TO64) \
	X(CVTSD2SS, simd_m64, FP_64TO32)

#define SIMD_LIST_FP_IMM(X)       \
	X(CMPPS, 8, simd_m128)    \
	X(CMPPD, 8, simd_m128)    \
	X(CMPSS, 8, simd_m32)     \
	X(ROUNDPS, 16, simd_m128) \
	X(ROUNDPD, 16, simd_m128) \
	X(ROUNDSS, 16, simd_m32)  \
	X(ROUNDSD, 16, simd_m64)  \
	X(DPPS, 256, simd_m128)   \
	X(DPPD, 256, simd_m128)

/* The address of these is implicit. */
#define SIMD_LIST_MASKMOV(X) \
	X(MASKMOVQ)          \
	X(MASKMOVDQU)

/* Shared with the string instructions: not rows of ours. */
#define SIMD_LIST_SHARED(X) \
	X(MOVSD)            \
	X(CMPSD)

#define SIMD_DECLARE(M, ...) extern const struct x86_simd_form x86_simd_##M[];
SIMD_LIST_MMX(SIMD_DECLARE)
SIMD_LIST_SHIFT(SIMD_DECLARE)
SIMD_LIST_XMM(SIMD_DECLARE)
SIMD_LIST_XMM_IMM(SIMD_DECLARE)
SIMD_LIST_OWN(SIMD_DECLARE)
SIMD_LIST_FP(SIMD_DECLARE)
SIMD_LIST_FP_IMM(SIMD_DECLARE)
SIMD_LIST_MASKMOV(SIMD_DECLARE)
SIMD_LIST_SHARED(SIMD_DECLARE)

#endif
