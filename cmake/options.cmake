# Language, warnings, hardening and the build's description. Optimisation and sanitizers come from the preset.

set(CMAKE_C_STANDARD 17)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_compile_options(
    -Wall -Wextra -Wshadow -Wconversion -Wvla -Werror $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
    -fno-math-errno        # lets sqrt and the vector exp stay inline; nothing here reads errno after them
    -fno-strict-aliasing)  # one received buffer is read as bytes, text and numbers
add_compile_definitions(_GNU_SOURCE FORKJOIN_VERSION="${PROJECT_VERSION}")
include_directories(${CMAKE_SOURCE_DIR})

# Two hundred test programs a preset: a third of what Debian's default linker takes.
find_program(LLD ld.lld)
if(LLD AND NOT FORKJOIN_LANE STREQUAL "release")
    add_link_options(-fuse-ld=lld)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

# The revision is looked up again whenever HEAD moves; an image build has no .git and passes it in.
set(FORKJOIN_REVISION "" CACHE STRING "Source revision to report, empty: asked from git")
set(revision "${FORKJOIN_REVISION}")
if(revision STREQUAL "" AND EXISTS ${CMAKE_SOURCE_DIR}/.git) # a file in a worktree
    execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} rev-parse --short HEAD
                    OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} rev-parse --path-format=absolute --git-path logs/HEAD
                    OUTPUT_VARIABLE head_log OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(EXISTS "${head_log}")
        set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${head_log}")
    endif()
endif()
if(revision STREQUAL "")
    set(revision "unknown revision")
endif()
set(FORKJOIN_BUILD "${revision}, ${CMAKE_BUILD_TYPE}, ${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}")
