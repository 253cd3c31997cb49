import { testOfficialVectors } from './official.ts'

testOfficialVectors('native')
