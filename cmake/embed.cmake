# embed_file(symbol file...): makes generated/<symbol>.c, which defines what handlers/embedded.h declares as `symbol`: the
# bytes of the files, one behind the other, a line's end after each but a single one, as they are, in gzip and in zstd.
# Each form's tag has as many digits of the bytes' SHA-256 as keep two versions apart, and the coding's name. Relative
# paths are those of the source tree.
# The same file is the script that the build runs: cmake -D "INPUTS=..." -D OUTPUT= -D SYMBOL= -P embed.cmake

if(CMAKE_SCRIPT_MODE_FILE)
    # The assembler reads the file: compilers take seconds for so many constants.
    function(define name path)
        file(SIZE ${path} size)
        file(APPEND ${OUTPUT} "__asm__(\".pushsection .rodata\\n${SYMBOL}_${name}: .incbin \\\"${path}\\\"\\n.popsection\");\n"
                              "extern const char ${SYMBOL}_${name}[${size}] __attribute__((visibility(\"hidden\")));\n")
    endfunction()

    set(whole ${OUTPUT}.bytes)
    file(WRITE ${whole} "")
    separate_arguments(inputs UNIX_COMMAND "${INPUTS}")
    list(LENGTH inputs count)
    foreach(input IN LISTS inputs)
        file(READ ${input} bytes)
        string(REGEX REPLACE "\n//# sourceMappingURL=[^\n]*" "" bytes "${bytes}") # the map isn't served
        if(input MATCHES "/web/[^/]*\\.(js|css)$") # comments that begin a line, indentation: a text over several lines mustn't have either
            string(REGEX REPLACE "\n[ ]*/\\*([^*]|\\*+[^*/])*\\*+/" "" bytes "\n${bytes}")
            string(REGEX REPLACE "\n +" "\n" bytes "${bytes}")
        endif()
        file(APPEND ${whole} "${bytes}")
        if(count GREATER 1)
            file(APPEND ${whole} "\n")
        endif()
    endforeach()
    # Five of a hundred bytes less than gzip -9. With --i15 it takes twice the time for 36 bytes of 90,000.
    execute_process(COMMAND zopfli --i5 ${whole} COMMAND_ERROR_IS_FATAL ANY)
    file(ARCHIVE_CREATE OUTPUT ${whole}.zst PATHS ${whole} FORMAT raw COMPRESSION Zstd COMPRESSION_LEVEL 9)
    file(SHA256 ${whole} sum)
    string(SUBSTRING ${sum} 0 32 sum)
    file(WRITE ${OUTPUT} "#include \"handlers/embedded.h\"\n\n")
    define(plain ${whole})
    define(gzip ${whole}.gz)
    define(zstd ${whole}.zst)
    file(APPEND ${OUTPUT} "const struct embedded ${SYMBOL} = {\n"
                          "    .plain = {{${SYMBOL}_plain, sizeof ${SYMBOL}_plain}, \"\\\"${sum}\\\"\"},\n"
                          "    .gzip = {{${SYMBOL}_gzip, sizeof ${SYMBOL}_gzip}, \"\\\"${sum}-gzip\\\"\"},\n"
                          "    .zstd = {{${SYMBOL}_zstd, sizeof ${SYMBOL}_zstd}, \"\\\"${sum}-zstd\\\"\"}};\n")
    return()
endif()

function(embed_file symbol)
    set(output ${CMAKE_BINARY_DIR}/generated/${symbol}.c)
    set(files)
    foreach(file IN LISTS ARGN)
        cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_SOURCE_DIR})
        list(APPEND files ${file})
    endforeach()
    list(JOIN files "\" \"" inputs)
    add_custom_command(
        OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} -D "INPUTS=\"${inputs}\"" -D OUTPUT=${output} -D SYMBOL=${symbol}
                -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        COMMENT "Embedding ${symbol}" VERBATIM)
endfunction()
